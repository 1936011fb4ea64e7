# Shared by the comparisons: free ports, the server's CPU time, medians. Source it from bash.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
WORK=$(mktemp -d)
PIDS=()

finish() {
    for pid in "${PIDS[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${PIDS[@]}"; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$WORK"
}
trap finish EXIT

need() {
    for tool in "$@"; do
        command -v "$tool" >/dev/null || { echo "$tool is missing: make tools-apt" >&2; exit 2; }
    done
}

# build [FLAGS...]: the server to measure, unless SYNAP names one.
build() {
    SYNAP=${SYNAP:-$WORK/synap-server}
    [ -x "$SYNAP" ] || (cd "$ROOT" && go build -o "$SYNAP" ./cmd/synap-server)
}

# start_synap NAME [FLAGS...]: sets PID, RESP and HTTP. Its data directory is $WORK/NAME.json.data.
start_synap() {
    local ports=$WORK/$1.json; shift
    rm -f "$ports"
    "$SYNAP" --host 127.0.0.1 --port 0 --resp-port 0 --ports-file "$ports" \
        --data-dir "$ports.data" "$@" \
        2>"$ports.log" &
    PID=$!; PIDS+=("$PID")
    for _ in $(seq 200); do
        [ -s "$ports" ] && break
        kill -0 "$PID" 2>/dev/null || { cat "$ports.log" >&2; exit 1; }
        sleep 0.05
    done
    RESP=$(sed 's/.*"resp":\([0-9]*\).*/\1/' "$ports")
    HTTP=$(sed 's/.*"http":\([0-9]*\).*/\1/' "$ports")
}

# start_redis: sets PID and RESP.
start_redis() {
    RESP=$(free_port)
    "$REDIS" --port "$RESP" --bind 127.0.0.1 --save '' --appendonly no --dir "$WORK" \
        >"$WORK/redis.log" 2>&1 &
    PID=$!; PIDS+=("$PID")
    for _ in $(seq 200); do
        redis-cli -p "$RESP" ping >/dev/null 2>&1 && return
        sleep 0.05
    done
    cat "$WORK/redis.log" >&2; exit 1
}

# start_beanstalkd [FLAGS...]: sets PID and PORT.
start_beanstalkd() {
    PORT=$(free_port)
    "$BEANSTALKD" -l 127.0.0.1 -p "$PORT" -z 1048576 "$@" >"$WORK/beanstalkd.log" 2>&1 &
    PID=$!; PIDS+=("$PID")
    for _ in $(seq 200); do
        (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null && return
        kill -0 "$PID" 2>/dev/null || break
        sleep 0.05
    done
    cat "$WORK/beanstalkd.log" >&2; exit 1
}

# stop PID: ends a server and waits for it.
stop() {
    kill "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

# free_port: a port that nobody had a moment ago.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 20000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
    done
}

# cpu_ms PID: user and system time so far.
cpu_ms() {
    local fields
    fields=$(sed 's/.*) //' "/proc/$1/stat")
    set -- $fields
    echo $(((${12} + ${13}) * 1000 / $(getconf CLK_TCK)))
}

# median: of the numbers on stdin.
median() { sort -g | awk '{v[NR]=$1} END {print v[int((NR+1)/2)]}'; }

machine() {
    echo "$(uname -sr), $(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)," \
        "$(go version | cut -d' ' -f3)"
}
