#!/usr/bin/env bash
# A pull request with the lock files as they are now, and a check of it: propose_update.sh <branch>.
# Nothing where no version has moved. Without GITHUB_ACTIONS it says what it would do.
set -euo pipefail

branch=${1:?name of the branch}
title="Newer versions of the packages"
say=()
[ -n "${GITHUB_ACTIONS:-}" ] || say=(echo would run:)

if git diff --quiet -- requirements; then
    echo "no version has moved"
    exit 0
fi
git diff --stat -- requirements

if [ -n "${GITHUB_ACTIONS:-}" ]; then
    git config user.name "github-actions[bot]"
    git config user.email "41898282+github-actions[bot]@users.noreply.github.com"
    gh auth setup-git
fi
"${say[@]}" git switch --force-create "$branch"
"${say[@]}" git commit --message "$title" -- requirements
"${say[@]}" git push --force origin "$branch"
if [ -z "${say[*]}" ] && [ -n "$(gh pr list --head "$branch" --state open --json number --jq '.[].number')" ]; then
    echo "the pull request that is open has the new versions"
else
    "${say[@]}" gh pr create --head "$branch" --title "$title" \
        --body "Made by make lock ARGS=--upgrade. A new PySpark or delta-spark needs other jars: docs/adr/0002-delta-jars.md."
fi
# What a workflow pushes starts no other workflow, unless it is asked for.
"${say[@]}" gh workflow run ci.yml --ref "$branch"
