#!/usr/bin/env bash
# Many at once: idle WebSockets that follow one room or one topic, what each costs and how late all
# of them are told; 100 000 rooms, 1 000 000 topics and 1 100 000 subscriptions in one server, what
# each costs and whether publishing beside them costs more.
#
#   COUNT=19000   WebSockets, as far as the limits of open files of generator and server allow
#   TELL=20       times that all of them are told something
#   EVENTS=400000 events published to one room and to one topic of an empty and of a full server
#   SYNAP=path    a built server
set -euo pipefail
source "$(dirname "$0")/lib.sh"
COUNT=${COUNT:-19000} TELL=${TELL:-20} EVENTS=${EVENTS:-400000}
need go
build
(cd "$ROOT" && go build -o "$WORK/room" ./bench/room)
ulimit -Hn 110000 2>/dev/null || true # for 100 000, where the machine allows
ulimit -n "$(ulimit -Hn)"
[ "$(ulimit -n)" -lt 110000 ] || COUNTS=100000

fresh() { # NAME
    start_synap "$1" --durability memory
    FLAGS="-addr 127.0.0.1:$HTTP -resp 127.0.0.1:$RESP -pid $PID"
}

echo "# $(machine); $(ulimit -n) open files for each process"
[ -n "${COUNTS:-}" ] || echo "# 100000 WebSockets need 110000 files: not tried here"
for count in "$COUNT" ${COUNTS:-}; do
    for kind in room topic; do
        fresh "$kind$count"
        echo "# $count WebSockets, all in one $kind"
        "$WORK/room" -mode crowd -kind "$kind" $FLAGS -subscribers "$count" -events "$TELL"
        stop "$PID"
    done
done
fresh full
echo "# a full server; one subscriber, 200 bytes, 64 events a write, at most 1024 ahead"
"$WORK/room" -mode fill $FLAGS -events "$EVENTS" -window 1024
