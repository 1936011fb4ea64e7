#!/usr/bin/env bash
# Topics and rooms: Synap, published to over RESP and followed over WebSockets, RESP or server-sent
# events, and nats-server in turn under the same load generator (bench/room), which checks that
# every subscriber gets each event, in order, as it was sent.
#
#   RUNS=3            the median is printed; the servers take turns
#   BATCH=64          events sent with one write
#   ONE=1000000       messages of 100 bytes to one subscriber
#   MANY=40000        messages and events of 200 bytes to SUBSCRIBERS=50
#   WINDOW=1024       messages that may be published and not yet read by all, for both servers
#   LOOPS="1 2"       event loops of Synap to try
#   RATE=10000        events a second of the runs that say how late events come, for SECONDS_=5
#                     (at least 3: sockets hold what is published in less)
#   SYNAP=path        a built server;  NATS=path
set -euo pipefail
source "$(dirname "$0")/lib.sh"
RUNS=${RUNS:-3} SUBSCRIBERS=${SUBSCRIBERS:-50} ONE=${ONE:-1000000} MANY=${MANY:-40000}
BATCH=${BATCH:-64} RATE=${RATE:-10000} NATS=${NATS:-nats-server} WINDOW=${WINDOW:-1024}
SECONDS_=${SECONDS_:-5}
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
SYNAPS=
for loops in $LOOPS; do
    start_synap "synap$loops" --durability memory --loops "$loops"
    ARGS[synap$loops]="-addr 127.0.0.1:$HTTP -resp 127.0.0.1:$RESP -pid $PID"
    SYNAPS="$SYNAPS synap$loops"
done
sleep 1 # nats-server writes no file when it is ready

# runs: NAME FLAGS... of the load that is measured, one line each: nats first.
runs() { # KIND VIA...
    local kind=$1; shift
    echo nats
    for name in $SYNAPS; do
        for via in "$@"; do echo "$name:$kind:$via"; done
    done
}

generate() { # RUN FLAGS...
    local name kind via
    IFS=: read -r name kind via <<<"$1"; shift
    "$WORK/room" ${ARGS[$name]} ${kind:+-kind "$kind" -via "$via"} -batch "$BATCH" "$@"
}

# rates TITLE RUNS FLAGS...: deliveries a second and CPU time of each, the median, beside nats.
rates() {
    local title=$1 all=$2 run; shift 2
    rm -f "$WORK"/*.rate "$WORK"/*.cpu
    for _ in $(seq "$RUNS"); do
        for run in $all; do
            generate "$run" "$@" >"$WORK/out"
            awk '/^deliv/ {print $2}' "$WORK/out" >>"$WORK/$run.rate"
            awk '/^cpu/ {print $2}' "$WORK/out" >>"$WORK/$run.cpu"
        done
    done
    echo "# $title, median of $RUNS"
    printf '%-20s %14s %8s %14s %8s\n' server deliveries/s ratio us/delivery ratio
    for run in $all; do
        awk -v s="$run" -v r="$(median <"$WORK/$run.rate")" -v c="$(median <"$WORK/$run.cpu")" \
            -v n="$(median <"$WORK/nats.rate")" -v b="$(median <"$WORK/nats.cpu")" \
            'BEGIN {printf "%-20s %14.0f %8.2f %14.3f %8.2f\n", s, r, r/n, c, c/b}'
    done
}

# lateness RUNS FLAGS...: how late events come at RATE.
lateness() {
    local all=$1 run; shift
    for run in $all; do
        printf '%-20s ' "$run"
        generate "$run" -rate "$RATE" -events $((RATE * SECONDS_)) "$@" >"$WORK/out"
        grep -v '^deliv\|^events' "$WORK/out" | tr '\n' ' '; echo
    done
}

echo "# $(machine); $("$NATS" -v); $BATCH events a write"
rates "messages of 100 bytes to one subscriber, at most $WINDOW ahead" "$(runs topic resp ws)" \
    -subscribers 1 -size 100 -events "$ONE" -window "$WINDOW"
rates "messages of 200 bytes to $SUBSCRIBERS subscribers, at most $WINDOW ahead" \
    "$(runs topic resp ws sse)" \
    -subscribers "$SUBSCRIBERS" -size 200 -events "$MANY" -window "$WINDOW"
rates "events of 200 bytes of a room to $SUBSCRIBERS followers" "$(runs room ws sse)" \
    -subscribers "$SUBSCRIBERS" -size 200 -events "$MANY"
echo "# $RATE messages a second of 200 bytes to $SUBSCRIBERS subscribers"
lateness "$(runs topic resp ws sse)" -subscribers "$SUBSCRIBERS" -size 200
echo "# $RATE events a second of a room of 200 bytes to $SUBSCRIBERS followers"
lateness "$(runs room ws sse | tail -n +2)" -subscribers "$SUBSCRIBERS" -size 200
for _ in $(seq "$RUNS"); do
    echo "# the same without and with one who does not read; a room's reads it all in the end"
    for stalled in 0 1; do
        lateness "$(runs room ws | tail -n +2) $(runs topic ws | tail -n +2)" \
            -subscribers "$SUBSCRIBERS" -size 200 -stalled "$stalled"
    done
done
for name in $SYNAPS; do
    echo "# $name, 100 rooms of 50 subscribers, 1000 events each, 5 subscribers of each room cut"
    generate "$name:room:ws" -rooms 100 -subscribers 50 -events 1000 -batch 16 -cuts 5
done
