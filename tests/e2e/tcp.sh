#!/bin/bash
# The TCP worker under clients that are many, slow, half-open or rude: the limits hold, UDP goes on as
# before, memory stays within what was taken at start, and no file is left open.
# CONNECTIONS=N changes how many are idle at once.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin tcp 180 "$@"
need /repdnsd /repdns-load

CONF=$RUN/repdns.conf STATE=$RUN/state
IDLE_S=15 SOURCES=20 EACH=$((${CONNECTIONS:-10000} / 20)) PER_CLIENT=600

state_folder "$STATE"
write_conf "$CONF" "$STATE"
sed -i "s/^listen.*/listen = {\"127.0.0.1@$SERVER_PORT\", \"$MX4@$SERVER_PORT\"}/" "$CONF"
cat >>"$CONF" <<EOF_CONF
public = yes
rate_limit { responses = 0 }
list "clients" { type = ip4set  files = {"$RUN/clients"} }
list "long" { type = dnset  files = {"$RUN/long"} }
zone "list" { kind = list  datasets = {"long"} }
EOF_CONF
cp "$CONF" "$RUN/small.conf"
echo "tcp { connections = 12000  per_client = $PER_CLIENT  idle = ${IDLE_S}s }" >>"$CONF"
echo "203.0.113.7 :127.0.0.2:listed" >"$RUN/clients"
for i in $(seq 60); do
    echo "long :127.0.0.$((i + 1)):$(printf '%0200d' "$i")"
done >"$RUN/long"
load "$CONF" run --as-of "$AS_OF" >"$RUN/load.log" 2>&1 || e2e_stop "repdns-load" "$(cat "$RUN/load.log")"

# clients COMMAND ARGUMENTS...: into $RUN/COMMAND.out
clients() {
    local command=$1 address=127.0.0.1
    shift
    [ "$command" != syn ] || address=$MX4
    python3 "$E2E_DIR/tcp_clients.py" "$command" "$address" "$SERVER_PORT" "$@" \
        >"$RUN/$command.out" 2>&1
}
saw() { # COMMAND NAME
    sed -n "s/^$2 //p" "$RUN/$1.out"
}
check_saw() { # WHAT COMMAND NAME VALUE
    check_eq "$1" "$(saw "$2" "$3")" "$4"
}
worker() { # the last child is the one for TCP
    awk '{ print $NF }' "/proc/${STARTED[repdnsd]}/task/${STARTED[repdnsd]}/children"
}
files() {
    find "/proc/$TCP/fd" -mindepth 1 | wc -l
}
rss_kb() {
    awk '/^VmRSS:/ { print $2 }' "/proc/$TCP/status"
}
files_are() {
    [ "$(files)" = "$1" ]
}
# UDP beside whatever goes on: nothing lost, and no slower than twice as before, but for a
# millisecond that a busy machine may add.
check_udp() { # WHAT COMMAND
    check_saw "$1: UDP loses nothing" "$2" udp-lost 0
    local median
    median=$(saw "$2" udp-median-us)
    if [ "${median:-99999}" -le $((2 * MEDIAN + 1000)) ]; then
        pass "$1: UDP's median is $median us, $MEDIAN us before"
    else
        fail "$1: UDP" "median ${median:-?} us, $MEDIAN us before"
    fi
}
check_most() { # WHAT GOT MOST
    if [ "$2" -le "$3" ]; then pass "$1: $2"; else fail "$1" "got $2, at most $3 wanted"; fi
}

trap '' PIPE
start_server "$CONF"
TCP=$(worker)
check "a first client" clients churn 10
FILES=$(files) RSS=$(rss_kb)
check "UDP alone" clients udp 2000
MEDIAN=$(saw udp udp-median-us)
pass "UDP alone: median $MEDIAN us, 99th percentile $(saw udp udp-p99-us) us"

echo "# streams, however they are cut"
check "the clients go on to the end" clients talk
check_saw "a query in writes of one byte" talk one-byte-writes 0001
check_saw "500 pipelined queries have an answer each" talk pipelined True
check_saw "queries cut in between" talk cut-between True
check_saw "a client that has closed its half" talk half-closed True
check_saw "the time-out is told, in tenths of a second" talk keepalive "000b0002$(printf '%04x' $((IDLE_S * 10)))"
check_saw "but not unasked" talk no-keepalive 0000
check_saw "an answer too long for UDP is whole" talk whole True
check_saw "a query that is too long ends the connection" talk too-long-is-closed True
check_saw "a response ends it, behind the answers before it" talk response-is-closed True
within 5 files_are "$FILES" || true
check_eq "no file is left open" "$(files)" "$FILES"

echo "# $((SOURCES * EACH)) idle connections"
mkfifo "$RUN/go"
clients idle "$SOURCES" "$EACH" $((PER_CLIENT + 100)) <"$RUN/go" &
idle=$!
exec 9>"$RUN/go"
within 20 grep -q held-of-one "$RUN/idle.out" || true
check_saw "all are held" idle held $((SOURCES * EACH))
check_saw "one client's are held up to its limit" idle held-of-one "$PER_CLIENT"
check_eq "open files" "$(files)" $((FILES + SOURCES * EACH + PER_CLIENT))
check_most "memory of the worker grows by KiB, at most 2.5 for each" $(($(rss_kb) - RSS)) \
    $(((SOURCES * EACH + PER_CLIENT) * 5 / 2))
check "UDP beside them" clients udp 2000
check_udp "idle connections" udp
check "TCP beside them" answers 127.0.0.2 +tcp -b 127.0.150.1 7.113.0.203.ip.rep.example A
sleep "$IDLE_S"
within 5 files_are "$FILES" || true
echo >&9 || true
wait "$idle" || true
check_saw "all are closed when their time is over" idle held-at-last 0
check_eq "no file is left open" "$(files)" "$FILES"

echo "# slow readers, half-open ones, and a crowd that comes and goes"
RSS=$(rss_kb)
check "slow readers" clients slow 300 "$IDLE_S"
check_saw "good clients are served beside them" slow served-beside-slow True
check_udp "slow readers" slow
check_saw "slow readers are closed" slow slow-left 0
check_most "memory grows by KiB, at most the pool of buffers and some slots" $(($(rss_kb) - RSS)) 8192
# Nobody is behind a bridge without ports.
ip link add nowhere type bridge && ip link set nowhere up && ip route add 198.18.0.0/15 dev nowhere
check "half-open connections" clients syn 5000
check_saw "good clients are served beside $(saw syn half-open) half-open ones" syn \
    served-beside-half-open True
check_udp "half-open connections" syn
RSS=$(rss_kb)
check "a crowd" clients churn 3000
within 12 files_are "$FILES" || true
check_eq "no file is left open" "$(files)" "$FILES"
check_most "memory grows by KiB" $(($(rss_kb) - RSS)) 256
stop repdnsd || fail "repdnsd ends with exit code 0"

echo "# all places taken, and fewer files than places"
cp "$RUN/small.conf" "$CONF"
echo "tcp { connections = 20  per_client = 20  idle = 60s }" >>"$CONF"
start_server "$CONF"
check "all places taken" clients evict 20
check_saw "another client is served" evict other-is-served True
check_saw "in the place of the longest idle one" evict oldest-is-closed True
check_saw "and one that asks stays" evict busy-one-stays True
stop repdnsd || fail "repdnsd ends with exit code 0"
check_has "which is counted" "$(tail -n 20 "$RUN/repdnsd.log")" 'tcp-evicted=1 '
: >"$RUN/repdnsd.log"
sed -i 's/^tcp .*/tcp { connections = 5000 }/' "$CONF"
start repdnsd prlimit --nofile=500:500 setpriv --reuid repdns --regid repdns --clear-groups \
    --inh-caps=-all --bounding-set=-all "$BIN/repdnsd" -c "$CONF"
within 5 ready || true
check_has "too few files: said at start" "$(cat "$RUN/repdnsd.log")" \
    'limit of open files allows 340 TCP connections, not 5000'
stop repdnsd || fail "repdnsd ends with exit code 0"
e2e_end
