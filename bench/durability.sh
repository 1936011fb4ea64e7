#!/usr/bin/env bash
# What durability costs: throughput by level, latency during a snapshot, time of a restart.
#
#   RUNS=3 (the median is printed)   LOOPS=number of cores   SIZE=100
#   KEYS=1000000     keys of the snapshot and of the restart
#   REQUESTS=200000  at pipeline 1; four times as many at 16
#   SYNAP=path       a built server
set -euo pipefail
source "$(dirname "$0")/lib.sh"
LOOPS=${LOOPS:-$(nproc)} RUNS=${RUNS:-3} SIZE=${SIZE:-100} KEYS=${KEYS:-1000000}
REQUESTS=${REQUESTS:-200000}
need redis-benchmark redis-cli awk
build

rate() { # PORT CLIENTS PIPELINE REQUESTS
    redis-benchmark -p "$1" -c "$2" -P "$3" -n "$4" -r 100000 -d "$SIZE" -t set --csv |
        sed -n 2p | cut -d'"' -f4
}

# compare CLIENTS PIPELINE REQUESTS LEVEL...: in turn, so that all see the same machine.
compare() {
    local clients=$1 pipeline=$2 n=$3 level; shift 3
    declare -A port pid
    for level in "$@"; do
        start_synap "$level.$pipeline" --loops "$LOOPS" --durability "$level"
        port[$level]=$RESP pid[$level]=$PID
    done
    for _ in $(seq "$RUNS"); do
        for level in "$@"; do
            rate "${port[$level]}" "$clients" "$pipeline" "$n" >>"$WORK/$level.$pipeline.rate"
        done
    done
    local base
    base=$(median <"$WORK/$1.$pipeline.rate")
    for level in "$@"; do
        printf 'SET c=%-3s P=%-3s level %-7s %10.0f/s  %5.2f x %s\n' "$clients" "$pipeline" \
            "$level" "$(median <"$WORK/$level.$pipeline.rate")" \
            "$(awk -v a="$(median <"$WORK/$level.$pipeline.rate")" -v b="$base" \
                'BEGIN {print a / b}')" "$1"
        stop "${pid[$level]}"
    done
}

# p999 PORT REQUESTS: the 99.9th percentile in ms of SET by 50 clients.
p999() {
    redis-benchmark -p "$1" -c 50 -n "$2" -r "$KEYS" -d "$SIZE" -t set --precision 3 |
        awk '/% <= / {sub("%", "", $1); if ($1 >= 99.9) {print $3; exit}}'
}

fill() { # PORT
    awk -v n="$KEYS" -v s="$SIZE" 'BEGIN {
        v = sprintf("%" s "s", ""); gsub(" ", "x", v)
        for (i = 0; i < n; i++) printf "SET key:%012d %s\r\n", i, v
    }' | redis-cli -p "$1" --pipe >/dev/null
}

# recovered NAME: what the server's log says about its last recovery.
recovered() {
    sed -n 's/.*"msg":"recovered".*"keys":\([0-9]*\).*"records":\([0-9]*\).*"millis":\([0-9]*\).*/\1 keys, \2 records replayed: \3 ms/p' \
        "$WORK/$1.json.log" | tail -1
}

echo "# $(machine)"
compare 50 16 $((REQUESTS * 4)) memory os
compare 50 1 "$REQUESTS" memory os disk

start_synap keys --loops "$LOOPS"
fill "$RESP"
echo "p99.9 of SET, c=50, at rest: $(p999 "$RESP" "$REQUESTS") ms"
(while :; do redis-cli -p "$RESP" BGSAVE >/dev/null 2>&1; sleep 0.05; done) & SAVER=$!
PIDS+=("$SAVER")
echo "p99.9 of SET, c=50, while snapshots of $KEYS keys run: $(p999 "$RESP" "$REQUESTS") ms"
stop "$SAVER"
grep -o '"msg":"snapshot made".*' "$WORK/keys.json.log" | tail -1
kill -9 "$PID"; wait "$PID" 2>/dev/null || true
start_synap keys --loops "$LOOPS"
echo "restart after kill -9: $(recovered keys)"
stop "$PID"
start_synap keys --loops "$LOOPS"
echo "restart after SIGTERM: $(recovered keys)"
stop "$PID"
