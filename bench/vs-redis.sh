#!/usr/bin/env bash
# Synap and redis-server in turn under redis-benchmark: rates, server CPU per command, ratios.
#
#   LOOPS="1 2"      event loops of Synap to try
#   TESTS="SET GET INCR"   PIPELINES="1 16"   RUNS=3 (the median is printed)
#   REQUESTS=300000  at pipeline 1; four times as many when pipelined
#   CLIENTS=50  SIZE=100  KEYS=1000000
#   FILL=1           store (nearly) all keys first; 0 = measure from empty, inserts included
#   LEVEL=memory     durability of Synap, redis-server having none here
#   SYNAP=path       a built server; REDIS=path of redis-server
set -euo pipefail
source "$(dirname "$0")/lib.sh"
LOOPS=${LOOPS:-1 $(nproc)} TESTS=${TESTS:-SET GET INCR} PIPELINES=${PIPELINES:-1 16}
RUNS=${RUNS:-3} REQUESTS=${REQUESTS:-300000} CLIENTS=${CLIENTS:-50} SIZE=${SIZE:-100}
KEYS=${KEYS:-1000000} FILL=${FILL:-1} LEVEL=${LEVEL:-memory} REDIS=${REDIS:-redis-server}
need redis-benchmark "$REDIS" awk
build

# measure SERVER PID PORT TEST PIPELINE: appends "rate cpu-per-op" to a file.
measure() {
    local server=$1 pid=$2 port=$3 test=$4 pipeline=$5 n=$REQUESTS before after rate
    [ "$pipeline" -gt 1 ] && n=$((n * 4))
    before=$(cpu_ms "$pid")
    rate=$(redis-benchmark -p "$port" -c "$CLIENTS" -P "$pipeline" -n "$n" -r "$KEYS" \
        -d "$SIZE" -t "$(echo "$test" | tr A-Z a-z)" --csv | sed -n 2p | cut -d'"' -f4)
    after=$(cpu_ms "$pid")
    echo "$rate" >>"$WORK/$server.$test.$pipeline.rate"
    awk "BEGIN {print ($after - $before) * 1000 / $n}" >>"$WORK/$server.$test.$pipeline.cpu"
}

declare -A PORT PROCESS
start_redis; PORT[redis]=$RESP PROCESS[redis]=$PID
SERVERS=redis
for loops in $(echo "$LOOPS" | tr ' ' '\n' | sort -nu); do
    start_synap "synap$loops" --loops "$loops" --durability "$LEVEL"
    PORT[synap$loops]=$RESP PROCESS[synap$loops]=$PID SERVERS="$SERVERS synap$loops"
done

if [ "$FILL" = 1 ]; then
    for server in $SERVERS; do # 3 writes a key leave 5 % absent
        redis-benchmark -p "${PORT[$server]}" -c 50 -P 32 -n $((3 * KEYS)) -r "$KEYS" \
            -d "$SIZE" -t set,incr -q >/dev/null
    done
fi

for _ in $(seq "$RUNS"); do
    for pipeline in $PIPELINES; do
        for test in $TESTS; do
            for server in $SERVERS; do
                measure "$server" "${PROCESS[$server]}" "${PORT[$server]}" "$test" "$pipeline"
            done
        done
    done
done

echo "# $(machine)"
echo "# $("$REDIS" --version | sed 's/ sha.*//'); redis-benchmark -c $CLIENTS -r $KEYS -d $SIZE," \
    "FILL=$FILL, median of $RUNS"
printf '%-5s %3s %-8s %12s %10s %10s %10s\n' test P server ops/s cpu-us/op rate-ratio cpu-ratio
for pipeline in $PIPELINES; do
    for test in $TESTS; do
        base_rate=$(median <"$WORK/redis.$test.$pipeline.rate")
        base_cpu=$(median <"$WORK/redis.$test.$pipeline.cpu")
        for server in $SERVERS; do
            rate=$(median <"$WORK/$server.$test.$pipeline.rate")
            cpu=$(median <"$WORK/$server.$test.$pipeline.cpu")
            awk -v t="$test" -v p="$pipeline" -v s="$server" -v r="$rate" -v c="$cpu" \
                -v br="$base_rate" -v bc="$base_cpu" 'BEGIN {
                printf "%-5s %3s %-8s %12.0f %10.2f %10.2f %10.2f\n", t, p, s, r, c, r/br, c/bc }'
        done
    done
done
