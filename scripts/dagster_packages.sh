#!/usr/bin/env bash
# Make the folder with Dagster's packages beside the virtual environment's own; called by make dagster and make test.
# In the environment itself they would have a say in versions, and what they install is nothing Kedro's commands need.
set -euo pipefail

venv=${VENV:-.venv}
target=$venv/dagster

echo "Dagster: packages of requirements/dagster.lock, verified by hash, into $target"
rm -rf "$target" "$target.new"
"$venv/bin/python" -m pip --disable-pip-version-check install --progress-bar off --quiet --no-deps --require-hashes \
    --target "$target.new" -r requirements/dagster.lock
"$venv/bin/python" -m compileall -q -j 0 "$target.new" > /dev/null || true
mv "$target.new" "$target"
touch "$target"
