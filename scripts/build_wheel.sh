#!/usr/bin/env bash
# The wheel, built with the setuptools of the lock file and without a network: build_wheel.sh <folder>.
set -euo pipefail

target=${1:?folder for the wheel}
"${VENV:-.venv}/bin/python" -m pip --disable-pip-version-check wheel --quiet --no-deps --no-build-isolation \
    --wheel-dir "$target" .
ls "$target"/klineforge-*.whl
