#!/usr/bin/env bash
# What a key costs: resident memory before and after KEYS keys of 16 bytes with values of SIZE
# bytes, in Synap and in redis-server, and how long 10 keys by prefix take out of them.
#
#   KEYS=1000000  SIZE=100  REDIS=path  SYNAP=path
set -euo pipefail
source "$(dirname "$0")/lib.sh"
KEYS=${KEYS:-1000000} SIZE=${SIZE:-100} REDIS=${REDIS:-redis-server}
need redis-cli "$REDIS" awk
build

# sets: KEYS SET commands as the protocol has them.
sets() {
    awk -v n="$KEYS" -v size="$SIZE" 'BEGIN {
        value = sprintf("%" size "s", ""); gsub(/ /, "x", value)
        for (i = 0; i < n; i++)
            printf "*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$%d\r\n%s\r\n", i, size, value
    }'
}

rss() { awk '/^VmRSS/ {print $2 * 1024}' "/proc/$1/status"; }

now_ms() { date +%s%N | cut -c1-13; }

# measure NAME PID PORT
measure() {
    local empty full begun ended last=0 now
    empty=$(rss "$2")
    sets | redis-cli -p "$3" --pipe >/dev/null
    for _ in $(seq 100); do # until background work has settled
        now=$(rss "$2")
        [ "$now" = "$last" ] && break
        last=$now; sleep 0.3
    done
    full=$(rss "$2")
    begun=$(now_ms)
    found=$(redis-cli -p "$3" --scan --pattern 'key:00000012345*' | wc -l)
    ended=$(now_ms)
    awk -v n="$1" -v k="$KEYS" -v s="$SIZE" -v e="$empty" -v f="$full" -v found="$found" \
        -v ms="$((ended - begun))" 'BEGIN {
        printf "%-8s %10.1f %10.1f %14.1f %8d in %d ms\n",
            n, e / 1e6, f / 1e6, (f - e) / k - 16 - s, found, ms }'
}

echo "# $(machine)"
echo "# $KEYS keys of 16 bytes, values of $SIZE; the scan is redis-cli --scan --pattern"
printf '%-8s %10s %10s %14s %8s\n' server empty-MB full-MB overhead-B/key by-prefix
start_redis
measure redis "$PID" "$RESP"; stop "$PID"
start_synap synap --max-memory 0 --durability memory
measure synap "$PID" "$RESP"; stop "$PID"
