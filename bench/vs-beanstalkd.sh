#!/usr/bin/env bash
# Queues: Synap and beanstalkd in turn under the same load generator (bench/queue), then what only
# Synap has (batches), scenario 2 of the performance specification, and memory per message and queue.
#
#   RUNS=3 (the median is printed)   WORKERS=5  SIZE=100
#   LOOPS="1 2"       event loops of Synap to try; beanstalkd has one
#   MESSAGES=100000   of a run one at a time; four times as many pipelined
#   DEPTH=32          of the pipelined runs;  BATCH=100 messages a command
#   QUEUED=1000000    messages of the memory run;  QUEUES=10000
#   SYNAP=path        a built server;  BEANSTALKD=path
set -euo pipefail
source "$(dirname "$0")/lib.sh"
RUNS=${RUNS:-3} WORKERS=${WORKERS:-5} SIZE=${SIZE:-100}
LOOPS=$(echo "${LOOPS:-1 $(nproc)}" | tr ' ' '\n' | sort -nu)
MESSAGES=${MESSAGES:-100000} DEPTH=${DEPTH:-32} BATCH=${BATCH:-100}
QUEUED=${QUEUED:-1000000} QUEUES=${QUEUES:-10000} BEANSTALKD=${BEANSTALKD:-beanstalkd}
need "$BEANSTALKD" awk go
build
(cd "$ROOT" && go build -o "$WORK/queue" ./bench/queue)

declare -A PORT_OF PID_OF HTTP_OF PROTOCOL
beanstalk() { # NAME FLAGS...
    local name=$1; shift
    start_beanstalkd "$@"
    PORT_OF[$name]=$PORT PID_OF[$name]=$PID PROTOCOL[$name]=beanstalk
}
synap() { # NAME FLAGS...
    start_synap "$@"
    PORT_OF[$1]=$RESP PID_OF[$1]=$PID HTTP_OF[$1]=$HTTP PROTOCOL[$1]=synap
}
generate() { # SERVER FLAGS...
    local name=$1; shift
    "$WORK/queue" -protocol "${PROTOCOL[$name]}" -addr "127.0.0.1:${PORT_OF[$name]}" \
        -pid "${PID_OF[$name]}" -workers "$WORKERS" -size "$SIZE" "$@"
}

# measure SERVER LABEL FLAGS...: appends to files "LABEL.PHASE.SERVER.rate" and ".cpu".
measure() {
    local name=$1 label=$2 phase rate cpu; shift 2
    generate "$name" "$@" >"$WORK/out"
    while read -r phase rate cpu; do
        echo "$rate" >>"$WORK/$label.$phase.$name.rate"
        echo "$cpu" >>"$WORK/$label.$phase.$name.cpu"
    done <"$WORK/out"
}

# table LABEL TITLE BASE SERVER...: medians and ratios to BASE.
table() {
    local label=$1 title=$2 base=$3 phase name; shift 3
    for phase in put take; do
        for name in "$@"; do
            awk -v t="$title" -v p="$phase" -v s="$name" \
                -v r="$(median <"$WORK/$label.$phase.$name.rate")" \
                -v c="$(median <"$WORK/$label.$phase.$name.cpu")" \
                -v br="$(median <"$WORK/$label.$phase.$base.rate")" \
                -v bc="$(median <"$WORK/$label.$phase.$base.cpu")" 'BEGIN {
                name["put"] = "publish"; name["take"] = "consume+ack"
                ratio = bc > 0 ? sprintf("%10.2f", c/bc) : sprintf("%10s", "-")
                printf "%-14s %-12s %-18s %10.0f %10.2f %10.2f %s\n",
                    t, name[p], s, r, c, r/br, ratio }'
        done
    done
}
header() {
    printf '%-14s %-12s %-18s %10s %10s %10s %10s\n' \
        how phase server messages/s cpu-us/msg rate-ratio cpu-ratio
}

mkdir "$WORK/binlog"
beanstalk beanstalkd
beanstalk beanstalkd-binlog -b "$WORK/binlog" -f 1000
MEMORY='' OS=''
for loops in $LOOPS; do
    synap "synap$loops-memory" --durability memory --loops "$loops"
    synap "synap$loops-os" --durability os --loops "$loops"
    MEMORY="$MEMORY synap$loops-memory" OS="$OS synap$loops-os"
done

for _ in $(seq "$RUNS"); do
    for name in beanstalkd $MEMORY beanstalkd-binlog $OS; do
        measure "$name" one -messages "$MESSAGES"
        measure "$name" piped -messages $((MESSAGES * 4)) -depth "$DEPTH"
    done
    for name in $MEMORY $OS; do
        measure "$name" batch -messages $((MESSAGES * 4)) -batch "$BATCH"
    done
done

echo "# $(machine); beanstalkd $("$BEANSTALKD" -v | cut -d' ' -f2)"
echo "# bench/queue: $WORKERS connections, payloads of $SIZE bytes, priorities 0-9, median of $RUNS;" \
    "nothing lost or twice, checked by content"
echo "# the same work on both sides; bars: faster than beanstalkd, and pipelined >= 300 000/s each"
header
table one "one at a time" beanstalkd beanstalkd $MEMORY
table one "one at a time" beanstalkd-binlog beanstalkd-binlog $OS
table piped "pipelined $DEPTH" beanstalkd beanstalkd $MEMORY
table piped "pipelined $DEPTH" beanstalkd-binlog beanstalkd-binlog $OS
echo "# batches of $BATCH, which beanstalkd has not; ratios are to Synap pipelined above"
header
for name in $MEMORY $OS; do
    for kind in rate cpu; do
        for phase in put take; do
            cp "$WORK/piped.$phase.$name.$kind" "$WORK/batch.$phase.$name-piped.$kind"
        done
    done
    table batch "batch $BATCH" "$name-piped" "$name"
done

for name in beanstalkd $MEMORY; do
    echo "# $name: $(generate "$name" -mode order -messages "$((MESSAGES / 10))")"
done
for name in beanstalkd $OS; do
    echo "# scenario 2 of the specification, one at a time: $name"
    generate "$name" -mode scenario2 -messages 50000
    echo "# scenario 2 of the specification, pipelined $DEPTH: $name"
    generate "$name" -mode scenario2 -messages 50000 -depth "$DEPTH"
done
for name in "${!PID_OF[@]}"; do stop "${PID_OF[$name]}"; done

for mode in memory many; do
    count=$QUEUED; [ $mode = many ] && count=$QUEUES
    beanstalk "beanstalkd-$mode"
    synap "synap-$mode" --durability memory
    for name in "beanstalkd-$mode" "synap-$mode"; do
        echo "# $mode: $name"
        generate "$name" -mode "$mode" -messages "$count" \
            -http "${HTTP_OF[$name]:+127.0.0.1:${HTTP_OF[$name]}}"
        stop "${PID_OF[$name]}"
    done
done
