#!/usr/bin/env bash
# packages_beside.sh NAME LOCK: a folder of packages beside the virtual environment's own, .venv/NAME, from a lock file that holds
# what the environment lacks; called by make. In the environment itself they would have a say in versions, and what they
# install is nothing Kedro's commands need.
set -euo pipefail

venv=${VENV:-.venv}
name=$1
lock=$2
target=$venv/$name

echo "$name: packages of $lock, verified by hash, into $target"
rm -rf "$target" "$target.new"
"$venv/bin/python" -m pip --disable-pip-version-check install --progress-bar off --quiet --no-deps --require-hashes \
    --target "$target.new" -r "$lock"
"$venv/bin/python" -m compileall -q -j 0 "$target.new" > /dev/null || true
mv "$target.new" "$target"
touch "$target"
