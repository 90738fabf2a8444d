#!/usr/bin/env bash
# The Databricks CLI of one version out of its release on GitHub, checked against the release's sums: databricks_cli.sh <folder>.
# For CI, whose runners have gh. Not by an action: one of somebody else's, by a commit that nobody here has read, is no better.
set -euo pipefail

folder=${1:?folder for the program}
version=0.294.1
archive=databricks_cli_${version}_linux_amd64.zip
mkdir -p "$folder"
cd "$folder"
gh release download "v$version" --repo databricks/cli --pattern "$archive" --pattern "databricks_cli_${version}_SHA256SUMS" --clobber
# Of the many lines exactly that of the archive; none at all is a failure.
grep --fixed-strings --word-regexp "$archive" "databricks_cli_${version}_SHA256SUMS" | sha256sum --check --strict
python3 -m zipfile --extract "$archive" .
chmod +x databricks
./databricks version
