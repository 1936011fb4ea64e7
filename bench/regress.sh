#!/usr/bin/env bash
# Has Synap become slower on this machine? A short fixed load against servers of its own, beside
# what was measured the first time, related to the calibration loop; it stays under
# .cache/bench-regress for this kind of machine. When a figure is worse by more than THRESHOLD and
# than what the runs differ by, the server of that time, which is kept too, and the present one are
# measured in turn: the exit code is 6 when that says the same, so a bad moment of the machine is no
# regression.
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

# load NAME SERVER RUNS FILE: measures one of the loads.
load() {
    local -a flags
    case $1 in
        kv-http) flags=(kv --protocol http -n 100000) ;;
        kv-resp) flags=(kv --protocol resp -P 16 -n 1000000) ;;
        queue)   flags=(queue --messages 50000) ;;
        *) echo "no load is named $1: see LOADS in $0" >&2; exit 2 ;;
    esac
    "$BENCHMARK" "${flags[@]}" --spawn --server-bin "$2" --durability memory --seed 1 \
        --runs "$3" --quiet --report "$4" >/dev/null
}

# compare BASE NEW: sets code.
compare() {
    code=0
    "$BENCHMARK" compare-reports "$1" "$2" --threshold "$THRESHOLD" | sed "s|$WORK/||g" || code=$?
}

worse=0
for name in $LOADS; do
    base=$kept/$name.json
    if [ ! -s "$base" ] || [ ! -x "$kept/$name.synap-server" ] || [ -n "${UPDATE:-}" ]; then
        echo "$name: no baseline of this machine yet, or a new one is wanted: measuring it"
        load "$name" "$SYNAP" "$RUNS" "$WORK/$name.json"
        cp "$SYNAP" "$kept/$name.synap-server"
        mv "$WORK/$name.json" "$base"
        echo "$name: written to $base; the next run compares with it"
        continue
    fi
    load "$name" "$SYNAP" "$RUNS" "$WORK/$name.json"
    compare "$base" "$WORK/$name.json"
    if [ "$code" = 6 ]; then
        echo "$name: worse than then; now the server of then and this one, $RUNS times in turn"
        befores= nows=
        for i in $(seq "$RUNS"); do
            load "$name" "$kept/$name.synap-server" 1 "$WORK/$name-before-$i.json"
            load "$name" "$SYNAP" 1 "$WORK/$name-now-$i.json"
            befores+=,$WORK/$name-before-$i.json nows+=,$WORK/$name-now-$i.json
        done
        compare "${befores#,}" "${nows#,}"
    fi
    case $code in
        0) ;;
        6) worse=6; echo "$name: WORSE than the baseline; UPDATE=1 takes this as the new one" ;;
        *) exit "$code" ;;
    esac
done
exit "$worse"
