#!/bin/bash
# repdnsd among other processes: sockets that are passed to it, systemd's notifications and watchdog,
# the address that an answer comes from, and how soon it answers again when a process is killed.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin processes 120 "$@"
need /repdnsd /repdns-load

NAME=7.113.0.203.ip.rep.example
CONF=$RUN/repdns.conf STATE=$RUN/state HELP=$E2E_DIR/processes.py
state_folder "$STATE"
echo "203.0.113.7 :127.0.0.2:listed" >"$RUN/clients"

says() { # ADDRESS PORT ARGUMENTS...
    local address=$1 port=$2
    shift 2
    [ "$(dig +time=$DIG_S +tries=1 +short "@$address" -p "$port" "$@" "$NAME" A 2>/dev/null)" = 127.0.0.2 ]
}

log_has() {
    grep -qE "$1" "$RUN/repdnsd.log"
}

as_repdns() {
    setpriv --reuid repdns --regid repdns --clear-groups "$@"
}

# fresh: ends the server, and begins a new log.
fresh() {
    local rc=0
    stop repdnsd || rc=$?
    check_eq "repdnsd ends with exit code 0" "$rc" 0
    : >"$RUN/repdnsd.log"
}

conf 'listen = {"127.0.0.1@53", "::1@53"}' 'udp_workers = 2'
load "$CONF" run --as-of "$AS_OF" >"$RUN/load.log" 2>&1 || e2e_stop "a store" "$(cat "$RUN/load.log")"

echo "# sockets that are passed"
# Bound by root; the server starts as repdns and could not bind port 53 itself.
start_passed() {
    start repdnsd python3 "$HELP" pass "$@" -- setpriv --reuid repdns --regid repdns --clear-groups \
        "$BIN/repdnsd" -c "$CONF"
}
start_passed 127.0.0.1@53 ::1@53 127.0.0.1@5999
check "passed, port 53 for an ordinary user: it answers" within 5 says 127.0.0.1 53
for address in 127.0.0.1 ::1; do
    for how in +notcp +tcp; do check "passed: $address $how" says "$address" 53 $how; done
done
for client in 203.0.113.{7,8,9,10} 198.51.100.{10,20,99}; do
    check "passed: two workers share a socket, from $client" says 127.0.0.1 53 -b "$client"
done
check "a socket that listen lacks: a line" log_has '127\.0\.0\.1@5999 \(UDP\) was passed, but listen'
check "and it is closed" bash -c '! ss -Hln "sport = :5999" | grep -q .'
conf 'listen = {"127.0.0.1@53", "::1@53", "127.0.0.1@5300"}' 'udp_workers = 2'
kill -HUP "${STARTED[repdnsd]}"
check "SIGHUP adds an address" within 5 says 127.0.0.1 5300
check "and keeps those that were passed" says ::1 53
fresh
start_passed tcp:127.0.0.1@53 udp:127.0.0.1@53 udp:127.0.0.1@53 ::1@53
check "a socket for each worker: it answers" within 5 says 127.0.0.1 53
fresh
python3 "$HELP" pass udp:127.0.0.1@53 -- env LISTEN_FDS=1 LISTEN_PID=1 "$BIN/repdnsd" -c "$CONF" -n \
    >/dev/null && pass "sockets for another process are let be" || fail "LISTEN_PID of another"
rc=0
got=$(LISTEN_FDS=3 bash -c 'LISTEN_PID=$BASHPID exec "$0" -c "$1"' "$BIN/repdnsd" "$CONF" 2>&1 3</dev/null) || rc=$?
check_eq "something else than sockets: exit code" "$rc" 1
check_one_line "something else than sockets" "$got" 'descriptor 3 is no UDP or listening TCP socket'

echo "# notifications and the watchdog"
conf 'listen = {"127.0.0.1@5300", "::1@5300"}'
start notified python3 "$HELP" notify "$RUN/notify" 600
within 5 test -S "$RUN/notify"
notified() {
    grep -qx "$1" "$RUN/notified.log"
}
petted() {
    grep -cx WATCHDOG=1 "$RUN/notified.log" || true
}
start repdnsd env NOTIFY_SOCKET="$RUN/notify" WATCHDOG_USEC=400000 "$BIN/repdnsd" -c "$CONF"
check "READY=1" within 5 notified READY=1
sleep 1
got=$(petted)
if [ "$got" -ge 3 ]; then pass "the watchdog is served: $got signs in a second"; else
    fail "the watchdog is served" "$got signs in a second, every 400 ms wanted"; fi
kill -HUP "${STARTED[repdnsd]}"
check "RELOADING=1" within 5 notified RELOADING=1
# A worker that dies time and again is not started at once: no sign of life meanwhile. After the
# fourth time it takes more than three seconds.
for _ in 1 2 3 4; do
    within 5 ready || true
    pkill -KILL -P "${STARTED[repdnsd]}" || true
    sleep 0.1
done
before=$(petted)
sleep 0.8
check_eq "no sign while a worker is missing" "$(petted)" "$before"
check "and again when all run" within 9 bash -c \
    "[ \"\$(grep -cx WATCHDOG=1 '$RUN/notified.log')\" -gt $before ]"
fresh
check "STOPPING=1" notified STOPPING=1
stop notified || true

echo "# where an answer comes from"
conf 'listen = {"0.0.0.0@5300", "::@5300"}'
start_server "$CONF"
# The system would choose another address of the machine by itself.
got=$(python3 "$HELP" source 203.0.113.9 192.0.2.1 127.0.0.7 2001:db8:bad::9 2001:db8::1 -- 5300 "$NAME")
check_eq "wildcards: from the address that was asked" "$(tr '\n' ' ' <<<"$got")" \
    "203.0.113.9 192.0.2.1 127.0.0.7 2001:db8:bad::9 2001:db8::1 "
fresh
conf 'listen = {"192.0.2.200@5300", "2001:db8::200@5300", "127.0.0.1@5300"}' 'freebind = yes'
start_server "$CONF"
ip addr add 192.0.2.200/32 dev lo
ip -6 addr add 2001:db8::200/128 dev lo nodad
check "freebind: an address that came later" says 192.0.2.200 5300
check "freebind: IPv6 too" says 2001:db8::200 5300
fresh

echo "# killed under load"
conf 'listen = {"127.0.0.1@5300"}'
# gap_of WHAT MOST_MS COMMAND...: the longest silence while the command is run. The best of eight
# tries counts: what else the machine does only adds to it.
gap_of() {
    local what=$1 most_ms=$2 ms='' count='' try
    shift 2
    for try in 1 2 3 4 5 6 7 8; do
        [ "$try" = 1 ] || sleep 2 # what dies soon after its start is not started at once
        within 5 ready || true
        : >"$RUN/gap.log"
        start gap python3 "$HELP" gap 1.5 5300 "$NAME"
        within 5 grep -q begin "$RUN/gap.log"
        sleep 0.5
        "$@"
        wait "${STARTED[gap]}" || true
        unset "STARTED[gap]"
        read -r ms count < <(tail -n 1 "$RUN/gap.log")
        if [ "${ms:-9999}" -le "$most_ms" ]; then
            pass "$what: silent for at most $ms ms, $count answers (try $try)"
            return
        fi
    done
    fail "$what" "silent for ${ms:-?} ms, at most $most_ms wanted; $count answers"
}
# kill_child t|u: the child that holds the TCP or the UDP socket.
kill_child() {
    local pid
    for pid in $(children); do
        if ss -Hlnp"$1" 'sport = :5300' | grep -q "pid=$pid,"; then kill -KILL "$pid"; fi
    done
}
kill_supervisor() { # and a new one, as systemd starts it
    kill -KILL "${STARTED[repdnsd]}"
    start repdnsd "$BIN/repdnsd" -c "$CONF"
}
kill_all() {
    local pids
    pids=$(children)
    # shellcheck disable=SC2086 # several
    kill -KILL "${STARTED[repdnsd]}" $pids 2>/dev/null || true # some have ended with the first
    start repdnsd "$BIN/repdnsd" -c "$CONF"
}
start_server "$CONF"
gap_of "nothing is killed" 50 true
gap_of "the UDP worker is killed" 50 kill_child u
gap_of "the TCP worker is killed" 50 kill_child t
check "and TCP answers" within 1 says 127.0.0.1 5300 +tcp
gap_of "the UDP worker is killed once more" 50 kill_child u
check "each kill has a line" test "$(grep -c 'worker ended by signal 9' "$RUN/repdnsd.log")" -ge 3
gap_of "the supervisor is killed and started" 50 kill_supervisor
check "TCP answers" within 2 says 127.0.0.1 5300 +tcp
gap_of "all are killed, and it is started" 50 kill_all
check "TCP answers then" within 2 says 127.0.0.1 5300 +tcp
gap_of "SIGHUP" 50 kill -HUP "${STARTED[repdnsd]}"
fresh

echo "# systemd's units"
UNITS=$ROOT_DIR/tools/packaging/systemd
if command -v systemd-analyze >/dev/null; then
    for unit in repdnsd repdns-load repdns-policy; do
        got=$(systemd-analyze security --offline=true --no-pager "$UNITS/$unit.service" 2>&1 | tail -n 1)
        level=$(grep -oE '[0-9]+\.[0-9]' <<<"$got" | tail -n 1)
        if awk -v l="${level:-10}" 'BEGIN { exit !(l <= 2.0) }'; then
            pass "$unit.service: exposure $level of 10"
        else
            fail "$unit.service: exposure at most 2.0" "$got"
        fi
    done
    # The programs are not installed here.
    mkdir "$RUN/units"
    for unit in "$UNITS"/*.{service,socket,timer}; do
        sed 's,/usr/s\?bin/repdns[a-z-]*,/bin/true,' "$unit" >"$RUN/units/${unit##*/}"
    done
    got=$(cd "$RUN/units" && systemd-analyze verify --man=no ./*.service ./*.socket ./*.timer 2>&1 |
        grep 'repdns' || true)
    check_eq "systemd-analyze verify has no complaint" "$got" ""
else
    echo "# no systemd-analyze: the units were not looked at"
fi
e2e_end
