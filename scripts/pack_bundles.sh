#!/usr/bin/env bash
# The Databricks bundles, each with its wheel, as one archive: pack_bundles.sh <folder>.
set -euo pipefail

target=${1:?folder for the archive}
venv=${VENV:-.venv}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$venv/bin/python" scripts/databricks_bundle.py --output "$work/klineforge-databricks"
version=$("$venv/bin/python" -c 'import klineforge; print(klineforge.__version__)')
mkdir -p "$target"
tar --create --gzip --file "$target/klineforge-databricks-$version.tar.gz" --directory "$work" klineforge-databricks
tar --list --file "$target/klineforge-databricks-$version.tar.gz" | grep '\.whl$'
