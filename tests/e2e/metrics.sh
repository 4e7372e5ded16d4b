#!/bin/bash
# Watching a running repdnsd: its metrics over a unix socket and TCP, what they count, who may ask
# and how, and what survives a changed configuration.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin metrics 120 "$@"
need /repdnsd /repdns-load /repdns python3 curl readelf script

NAME=7.113.0.203.ip.rep.example
CONF=$RUN/repdns.conf STATE=$RUN/state OUT=$RUN/out
mkdir "$OUT"
chown repdns:repdns "$OUT"

get() { # ARGUMENTS...: of curl
    curl -sS --max-time 30 "$@"
}

local_metrics() {
    get --unix-socket "$OUT/metrics" http://localhost/metrics
}

value() { # METRIC, from standard input
    awk -v name="$1" '$1 == name { print $2 }'
}

grown() { # METRIC: since before the first question
    echo $(($(value "$1" <"$RUN/local") - $(value "$1" <"$RUN/first")))
}

not() {
    ! "$@"
}

state_folder "$STATE"
echo "203.0.113.7 :127.0.0.2:one" >"$RUN/clients"
conf
load "$CONF" run --as-of "$AS_OF" >"$RUN/load.log" 2>&1 || e2e_stop "load" "$(cat "$RUN/load.log")"

echo "# what is told"
conf 'udp_workers = 2' "metrics { path = \"$OUT/metrics\"  listen = \"127.0.0.1@5353\" }"
start_server "$CONF"
local_metrics >"$RUN/first"
for _ in 1 2 3; do answers 127.0.0.2 "$NAME" A || fail "an answer"; done
answers 127.0.0.2 +tcp "$NAME" A || fail "an answer over TCP"
has_status NXDOMAIN 8.113.0.203.ip.rep.example A || fail "an answer"
has_status REFUSED www.example.org A || fail "an answer"
python3 - "$SERVER_PORT" <<'EOF_PY'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for packet in (b"\0\1\x80\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1", b"abc", b"x" * 2000):
    s.sendto(packet, ("127.0.0.1", int(sys.argv[1])))
EOF_PY
all_told() { [ "$(local_metrics | value 'repdnsd_drops_total{cause="large"}')" = 1 ]; }
within 2 all_told || true
local_metrics >"$RUN/local"
get http://127.0.0.1:5353/metrics >"$RUN/tcp"
check_eq "the text is as Prometheus wants it" "$("$E2E_DIR/promcheck.py" <"$RUN/local" | grep -v '^[0-9]* samples$')" ""
check_eq "the same over TCP" "$(diff <(grep -v age_seconds "$RUN/local") <(grep -v age_seconds "$RUN/tcp"))" ""
check_eq "queries over TCP" "$(value repdnsd_tcp_total <"$RUN/local")" 1
check_eq "listed" "$(grown 'repdnsd_answers_total{rcode="NOERROR",listed="yes"}')" 4
check_eq "refused" "$(grown 'repdnsd_answers_total{rcode="REFUSED",listed="no"}')" 1
for cause in short response large; do
    check_eq "dropped: $cause" "$(grown "repdnsd_drops_total{cause=\"$cause\"}")" 1
done
check_eq "why listed" "$(grown 'repdnsd_listings_total{reason="list"}')" 4
check_eq "a zone" "$(grown 'repdnsd_zone_listed_total{zone="ip.rep.example"}')" 4
check_eq "a usable store" "$(value repdnsd_store_usable <"$RUN/local")" 1
check_eq "entries of a dataset" "$(value 'repdnsd_dataset_entries{dataset="clients"}' <"$RUN/local")" 1
before=$(value repdnsd_store_serial <"$RUN/local")
echo "203.0.113.9 :127.0.0.2:two" >>"$RUN/clients"
load "$CONF" run --as-of "$AS_OF" >>"$RUN/load.log" 2>&1 || fail "load" "$(cat "$RUN/load.log")"
new_entries() { [ "$(local_metrics | value 'repdnsd_dataset_entries{dataset="clients"}')" = 2 ]; }
check "a publish shows within 3 s without a query" within 3 new_entries
check "and its serial" test "$(local_metrics | value repdnsd_store_serial)" -gt "$before"

echo "# repdns stats and status"
repdns() {
    "$BIN/repdns" -c "$CONF" "$@"
}
got=$(repdns --once stats)
check_has "once" "$got" '^[0-9.]+ queries/s over [0-9.]+ s, TCP [0-9.]+/s, listed [0-9.]+ %$'
check_has "what lists is told apart" "$got" '^answers .* NOERROR listed [0-9.]+/s'
check_has "drops" "$got" '^drops .* short [0-9.]+/s +response [0-9.]+/s +large '
check_has "a zone" "$got" '^ip\.rep\.example +[0-9.]+ +[0-9.]+ +[0-9.]+$'
check_has "a dataset" "$got" '^clients +2 +[0-9]+ +[0-9]+s$'
check_hasnt "no colours in a pipe" "$got" $'\033'
check_eq "JSON" "$(repdns --once --json stats | python3 -c 'import json, sys
o = json.loads(sys.stdin.read())
print(o["drops"]["short"], o["tcp"], o["dataset_entries"]["clients"], o["store_usable"])')" "1.0 1.0 2.0 True"
start live "$BIN/repdns" -c "$CONF" --json stats 1
lives() { [ "$(grep -c '^{' "$RUN/live.log")" -ge 2 ]; }
check "again and again" within 4 lives
stop live || true
on_terminal() { # ENVIRONMENT: the first screen, whole
    rm -f "$RUN/typescript"
    start screen env "$@" script -qfec "$BIN/repdns -c $CONF stats" "$RUN/typescript" </dev/null
    within 3 grep -q clients "$RUN/typescript" || true
    stop screen || true
    cat "$RUN/typescript"
}
check_has "colours on a terminal" "$(on_terminal TERM=xterm)" $'\033\\[1m'
got=$(on_terminal TERM=xterm NO_COLOR=1)
check_hasnt "none with NO_COLOR" "$got" $'\033\\[[0-9]+m'
check_has "but the screen is cleared" "$got" $'\033\\[2J'
check_has "NO_COLOR may be empty" "$(on_terminal TERM=xterm NO_COLOR=)" $'\033\\[1m'
check_hasnt "a dumb terminal" "$(on_terminal TERM=dumb)" $'\033'
check_has "status" "$(repdns --as-of "$AS_OF" status)" 'repdnsd: running since 20.*, serves serial [0-9]+$'
check_has "a wrong interval" "$(repdns stats 0 2>&1 || true)" 'stats: "0" is no interval'

echo "# who asks, and how"
check_eq "mode and owner of the socket" "$(stat -c '%U %G %a' "$OUT/metrics")" "repdns repdns 660"
code() { get -o /dev/null -w '%{http_code}' --unix-socket "$OUT/metrics" "$@"; }
check_eq "another path" "$(code http://localhost/)" 404
check_eq "another method" "$(code -d x http://localhost/metrics)" 405
check_eq "HEAD" "$(code -I http://localhost/metrics)" 200
python3 - "$OUT/metrics" >"$RUN/hostile" <<'EOF_PY'
import socket, sys, time
def connect():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(40)
    s.connect(sys.argv[1])
    return s
def all_of(s):
    got = b""
    while True:
        more = s.recv(65536)
        if not more:
            return got
        got += more
s = connect()
s.sendall(b"\0\xff" * 2000)
print("garbage", all_of(s)[:12])
silent = [connect() for _ in range(8)]
start = time.monotonic()
s = connect()
s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
print("behind eight silent ones", all_of(s)[:12], 3 < time.monotonic() - start < 20)
print("they are closed", [all_of(c) for c in silent] == [b""] * 8)
s = connect()
for c in b"GET /metrics HTTP/1.0\r\n\r\n":
    s.send(bytes([c]))
print("byte by byte", all_of(s)[:12])
EOF_PY
check_eq "hostile ones" "$(cat "$RUN/hostile")" "garbage b'HTTP/1.0 400'
behind eight silent ones b'HTTP/1.0 200' True
they are closed True
byte by byte b'HTTP/1.0 200'"
answerer=$(children | tr ' ' '\n' | grep . | tail -n 1)
check_eq "the process has the two sockets alone" \
    "$(ss -H -ltnupx | grep -c "pid=$answerer,")" 2
check_eq "and no store" "$(find "/proc/$answerer/fd" -lname '*.mdb' | wc -l)" 0
kill -KILL "$answerer"
check "killed: another one answers" within 3 local_metrics
check_eq "with all that was counted" "$(local_metrics | value repdnsd_tcp_total)" 1

echo "# changed configurations"
conf 'udp_workers = 1' "metrics { path = \"$OUT/metrics\"  latency = kernel }"
check_has "SIGHUP" "$(hup)" 'read again'
check_eq "counts go on" "$(local_metrics | value repdnsd_tcp_total)" 1
for _ in $(seq 40); do answers 127.0.0.2 "$NAME" A || fail "an answer"; done
check "latency is measured: $(local_metrics | value repdnsd_answer_latency_seconds_count)" \
    test "$(local_metrics | value repdnsd_answer_latency_seconds_count)" -ge 1
check "no more over TCP" not get http://127.0.0.1:5353/metrics
conf "metrics { path = \"$RUN/nowhere/metrics\" }"
check_has "a path that can't be" "$(hup)" 'metrics: path .*No such file.*going on as before'
check "it goes on" local_metrics
conf "metrics { path = \"$OUT/other\" }"
check_has "SIGHUP" "$(hup)" 'read again'
check "the old path is gone" not test -e "$OUT/metrics"
check_eq "the new one tells" "$(get --unix-socket "$OUT/other" http://localhost/metrics | value repdnsd_tcp_total)" 1
stop repdnsd || fail "repdnsd ends with exit code 0"
check_has "no server: stats says so" "$(repdns --once stats 2>&1 || true)" 'is repdnsd running'
check_has "no server: status says so" "$(repdns status)" 'repdnsd: not asked: .*is repdnsd running'
check "the socket is gone at the end" not test -e "$OUT/other"

echo "# probes"
check_eq "in the program's notes" "$(readelf -n "$BIN/repdnsd" | awk '/Provider: repdnsd/ { getline; print $2 }' |
    sort -u | tr '\n' ' ')" \
    "publish__seen query__answered query__dropped query__received snapshot__renewed "
for probe in $(sed -nE 's/.*DTRACE_PROBE[0-9]\(repdnsd, ([a-z_]+),.*/\1/p' "$ROOT_DIR/server/probes.h"); do
    check "the manual has $probe" grep -qx ".It $probe" "$ROOT_DIR/server/repdnsd.8"
done
e2e_end
