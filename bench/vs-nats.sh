#!/usr/bin/env bash
# Rooms: Synap, published to over RESP and followed over WebSockets, and nats-server in turn under
# the same load generator (bench/room); every subscriber's events are checked, each and in order.
#
#   RUNS=3 (the median is printed)   SUBSCRIBERS=50  SIZE=200  EVENTS=40000  BATCH=64
#   LOOPS="1 2"       event loops of Synap to try
#   RATE=10000        events a second of the runs that say how late events come
#   IDLE="1000 8000"  idle WebSockets
#   SYNAP=path        a built server;  NATS=path
set -euo pipefail
source "$(dirname "$0")/lib.sh"
RUNS=${RUNS:-3} SUBSCRIBERS=${SUBSCRIBERS:-50} SIZE=${SIZE:-200} EVENTS=${EVENTS:-40000}
BATCH=${BATCH:-64} RATE=${RATE:-10000} IDLE=${IDLE:-1000 8000} NATS=${NATS:-nats-server}
LOOPS=$(echo "${LOOPS:-1 $(nproc)}" | tr ' ' '\n' | sort -nu)
need "$NATS" awk go
build
(cd "$ROOT" && go build -o "$WORK/room" ./bench/room)
ulimit -n "$(ulimit -Hn)"

PORT=$(free_port)
"$NATS" -a 127.0.0.1 -p "$PORT" >"$WORK/nats.log" 2>&1 &
PIDS+=($!)
declare -A ARGS
ARGS[nats]="-via nats -addr 127.0.0.1:$PORT -pid $!"
SERVERS=nats
for loops in $LOOPS; do
    start_synap "synap$loops" --durability memory --loops "$loops"
    ARGS[synap$loops]="-addr 127.0.0.1:$HTTP -resp 127.0.0.1:$RESP -pid $PID"
    SERVERS="$SERVERS synap$loops"
done
sleep 1 # nats-server writes no file when it is ready

generate() { # SERVER FLAGS...
    local name=$1; shift
    "$WORK/room" ${ARGS[$name]} -size "$SIZE" "$@"
}

for _ in $(seq "$RUNS"); do
    for name in $SERVERS; do
        generate "$name" -subscribers "$SUBSCRIBERS" -events "$EVENTS" -batch "$BATCH" >"$WORK/out"
        awk '/^deliv/ {print $2}' "$WORK/out" >>"$WORK/$name.rate"
        awk '/^cpu/ {print $2}' "$WORK/out" >>"$WORK/$name.cpu"
    done
done
echo "# $(machine); $("$NATS" -v)"
echo "# bench/room: $SUBSCRIBERS subscribers, $SIZE bytes, $EVENTS events, median of $RUNS"
printf '%-10s %14s %14s %10s\n' server deliveries/s us/delivery cpu-ratio
for name in $SERVERS; do
    awk -v s="$name" -v r="$(median <"$WORK/$name.rate")" -v c="$(median <"$WORK/$name.cpu")" \
        -v b="$(median <"$WORK/nats.cpu")" \
        'BEGIN {printf "%-10s %14.0f %14.3f %10.2f\n", s, r, c, c/b}'
done
for name in $SERVERS; do
    echo "# $name, $RATE events/s to $SUBSCRIBERS subscribers"
    generate "$name" -subscribers "$SUBSCRIBERS" -events $((RATE * 5)) -rate "$RATE"
done
for name in ${SERVERS#nats}; do
    echo "# $name, the same beside one that does not read"
    generate "$name" -subscribers "$SUBSCRIBERS" -events $((RATE * 5)) -rate "$RATE" -stalled 1
    echo "# $name, 100 rooms of 50 subscribers, 1000 events each, 5 subscribers of each room cut"
    generate "$name" -rooms 100 -subscribers 50 -events 1000 -batch 16 -cuts 5
done
for count in $IDLE; do
    start_synap "idle$count" --durability memory
    echo "# idle WebSockets"
    "$WORK/room" -mode idle -addr "127.0.0.1:$HTTP" -resp "127.0.0.1:$RESP" -pid "$PID" \
        -rooms 10 -subscribers $((count / 10))
    stop "$PID"
done
