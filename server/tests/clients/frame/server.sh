# The server under test. Reads `profile` and `run`; sets `chronik`, `server_pid` and `bootstrap`.

server_pid=

find_server() {
    chronik=${CHRONIK_SERVER:-}
    unset CHRONIK_SERVER # to the server it would be a setting
    if [ -z "$chronik" ]; then
        echo "building the server ($profile)"
        cargo build --quiet -p chronik-server $([ "$profile" = release ] && echo --release) || exit 1
        chronik=${CARGO_TARGET_DIR:-target}/$profile/chronik-server
    fi
    export chronik
}

start_server() { # start_server [HOST:PORT]
    local listen=${1:-127.0.0.1:0} log="$run/server.log"
    : >"$log"
    "$chronik" start --listen "$listen" --admin-listen 127.0.0.1:0 --data-dir "$run/data" 2>"$log" &
    server_pid=$!
    for _ in $(seq 300); do
        grep -q 'Ctrl-C' "$log" && break
        kill -0 "$server_pid" 2>/dev/null || { echo "FAIL  the server did not start:"; cat "$log"; exit 1; }
        sleep 0.1
    done
    bootstrap=$(awk '$1 == "kafka" {print $2; exit}' "$log")
    export bootstrap
}

stop_server() {
    [ -n "$server_pid" ] && kill -9 "$server_pid" 2>/dev/null && wait "$server_pid" 2>/dev/null
    server_pid=
}

crash() { # kill -9, and start again on the same port
    stop_server
    start_server "$bootstrap"
}
