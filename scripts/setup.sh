#!/usr/bin/env bash
# Make the environment: a virtual environment from the lock file, this package, the Delta jars. Called by make setup.
set -euo pipefail

venv=${VENV:-.venv}

usable() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3 python}; do
        if usable "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    cat >&2 <<EOF
KlineForge needs Python 3.11, 3.12 or 3.13; found none of them among: ${PYTHON:-python3.11 python3.12 python3.13 python3 python}
what to do: install one (Debian, Ubuntu: apt-get install python3.11 python3.11-venv; macOS: brew install python@3.11),
or name one: make setup PYTHON=/path/to/python3.11
EOF
    return 1
}

if ! usable "$venv/bin/python"; then
    python=$(find_python)
    echo "1/4  virtual environment $venv with $("$python" --version)"
    if ! "$python" -m venv --clear "$venv"; then
        echo "$python cannot make a virtual environment; what to do: install its venv module" \
            "(Debian, Ubuntu: apt-get install python3-venv)" >&2
        exit 1
    fi
else
    echo "1/4  virtual environment $venv is there, with $("$venv/bin/python" --version)"
fi

echo "2/4  packages of requirements/dev.lock, verified by hash (PySpark is 450 MB: this takes a few minutes the first time)"
# Of what pip says, its errors (on standard error) and what it is downloading or building.
"$venv/bin/python" -m pip --disable-pip-version-check install --progress-bar off --require-hashes -r requirements/dev.lock |
    grep --line-buffered -E '^ *(Downloading|Using cached|Building|Installing)' | cut -c 1-100 || [ "${PIPESTATUS[0]}" -eq 0 ]

echo "3/4  klineforge itself, editable"
"$venv/bin/python" -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable .
# Where pip is told not to compile, every start of kedro would: three quarters of a second each.
"$venv/bin/python" -m compileall -q -j 0 "$venv"/lib/python*/site-packages src > /dev/null || true

echo "4/4  Java and the Delta jars"
"$venv/bin/python" -m klineforge.spark
