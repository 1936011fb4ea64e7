#!/usr/bin/env bash
# Synap and a minimal net/http + encoding/json program in turn under wrk: POST kv.set to
# /api/v1/command, nothing kept on disk. Prints requests per second, server CPU per request, ratios, failures.
#
#   THREADS=2 CONNECTIONS=400 SECONDS_EACH=5 RUNS=3 (the median is printed)
#   LOOPS=n          event loops of Synap (default: one per core)
#   KEYS=100000 SIZE=100   see scripts/kv-set.lua
set -euo pipefail
source "$(dirname "$0")/lib.sh"
THREADS=${THREADS:-2} CONNECTIONS=${CONNECTIONS:-400} SECONDS_EACH=${SECONDS_EACH:-5}
RUNS=${RUNS:-3} LOOPS=${LOOPS:-0}
need wrk awk go
build
(cd "$ROOT" && go build -o "$WORK/nethttp" ./bench/nethttp)

"$WORK/nethttp" >"$WORK/nethttp.port" &
PLAIN=$!; PIDS+=("$PLAIN")
for _ in $(seq 100); do [ -s "$WORK/nethttp.port" ] && break; sleep 0.05; done
start_synap synap --loops "$LOOPS" --durability memory
SYNAP_PID=$PID

# measure NAME PID PORT: appends to NAME.rate, NAME.cpu, NAME.bad, NAME.latency.
measure() {
    local before after out requests
    before=$(cpu_ms "$2")
    out=$(wrk -t"$THREADS" -c"$CONNECTIONS" -d"${SECONDS_EACH}s" \
        -s "$ROOT/scripts/kv-set.lua" "http://127.0.0.1:$3/api/v1/command")
    after=$(cpu_ms "$2")
    requests=$(sed -n 's/^requests: //p' <<<"$out")
    sed -n 's/^requests\/s: //p' <<<"$out" >>"$WORK/$1.rate"
    sed -n 's/^non-2xx or failed: //p' <<<"$out" >>"$WORK/$1.bad"
    grep '^p50' <<<"$out" >"$WORK/$1.latency"
    awk "BEGIN {print ($after - $before) * 1000 / $requests}" >>"$WORK/$1.cpu"
}

for _ in $(seq "$RUNS"); do
    measure nethttp "$PLAIN" "$(cat "$WORK/nethttp.port")"
    measure synap "$SYNAP_PID" "$HTTP"
done

echo "# $(machine)"
echo "# wrk -t$THREADS -c$CONNECTIONS -d${SECONDS_EACH}s -s scripts/kv-set.lua, median of $RUNS"
printf '%-8s %10s %10s %10s %10s %8s  %s\n' server req/s cpu-us/req rate-ratio cpu-ratio failed latency
for name in nethttp synap; do
    awk -v n="$name" -v r="$(median <"$WORK/$name.rate")" -v c="$(median <"$WORK/$name.cpu")" \
        -v br="$(median <"$WORK/nethttp.rate")" -v bc="$(median <"$WORK/nethttp.cpu")" \
        -v bad="$(awk '{s+=$1} END {print s}' "$WORK/$name.bad")" \
        -v l="$(cat "$WORK/$name.latency")" 'BEGIN {
        printf "%-8s %10.0f %10.2f %10.2f %10.2f %8d  %s\n", n, r, c, r/br, c/bc, bad, l }'
done
