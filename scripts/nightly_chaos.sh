#!/usr/bin/env bash
# Chaos with seeds that no other night had: nightly_chaos.sh <number of the night> <seeds>. The story is in build/chaos.log.
set -euo pipefail

night=${1:?which night: a number}
seeds=${2:?how many seeds}
for number in "$night" "$seeds"; do
    [[ $number =~ ^[0-9]+$ ]] || { echo "expected a whole number, found $number" >&2; exit 2; }
done

mkdir -p build
make --no-print-directory chaos ARGS="--first $((night * seeds)) --seeds $seeds" 2>&1 | tee build/chaos.log
