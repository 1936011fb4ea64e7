#!/usr/bin/env bash
# Has Synap become slower on this machine? A short fixed load against servers of its own, beside what
# was measured the first time, which stays under .cache/bench-regress for this kind of machine. The
# exit code is 6 when a figure is worse than THRESHOLD and what the runs differ by, twice in a row.
#
#   THRESHOLD=5%   RUNS=5 (medians are compared)
#   UPDATE=1       measure the baseline anew
#   LOADS="kv-http kv-resp queue"   which of those below
set -euo pipefail
source "$(dirname "$0")/lib.sh"
THRESHOLD=${THRESHOLD:-5%} RUNS=${RUNS:-5} LOADS=${LOADS:-kv-http kv-resp queue}
need go sha256sum
build
BENCHMARK=$WORK/synap-benchmark
(cd "$ROOT" && go build -o "$BENCHMARK" ./cmd/synap-benchmark)

machine=$({ grep -m1 'model name' /proc/cpuinfo || uname -m; nproc; } | sha256sum | cut -c1-12)
kept=$ROOT/.cache/bench-regress/$machine-$RUNS
mkdir -p "$kept"

# load NAME FILE: measures one of the loads.
load() {
    local -a flags
    case $1 in
        kv-http) flags=(kv --protocol http -n 100000) ;;
        kv-resp) flags=(kv --protocol resp -P 16 -n 1000000) ;;
        queue)   flags=(queue --messages 50000) ;;
        *) echo "no load is named $1: see LOADS in $0" >&2; exit 2 ;;
    esac
    "$BENCHMARK" "${flags[@]}" --spawn --server-bin "$SYNAP" --durability memory --seed 1 \
        --runs "$RUNS" --quiet --report "$2" >/dev/null
}

worse=0
for name in $LOADS; do
    base=$kept/$name.json
    if [ ! -s "$base" ] || [ -n "${UPDATE:-}" ]; then
        echo "$name: no baseline of this machine yet, or a new one is wanted: measuring it"
        load "$name" "$WORK/$name-base.json"
        mv "$WORK/$name-base.json" "$base"
        echo "$name: written to $base; the next run compares with it"
        continue
    fi
    for try in first second; do
        load "$name" "$WORK/$name-$try.json"
        code=0
        "$BENCHMARK" compare-reports "$base" "$WORK/$name-$try.json" --threshold "$THRESHOLD" \
            || code=$?
        [ "$code" = 6 ] || break
        [ "$try" = second ] || echo "$name: worse; once more, in case something disturbed it"
    done
    case $code in
        0) ;;
        6) worse=6; echo "$name: worse than the baseline twice; UPDATE=1 takes it as the new one" ;;
        *) exit "$code" ;;
    esac
done
exit "$worse"
