#!/bin/bash
# What an operator sees and does of a running repdnsd: the query log, statistics, signals, and a
# configuration that changes while queries run.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin operation 180 "$@"
need /repdnsd /repdns-load /tests/tools/dnsload prlimit

NAME=7.113.0.203.ip.rep.example
CONF=$RUN/repdns.conf STATE=$RUN/state OUT=$RUN/out
mkdir "$OUT"
chown repdns:repdns "$OUT"

# lines_are FILE COUNT
lines_are() {
    [ "$(wc -l <"$1" 2>/dev/null)" = "$2" ]
}

# asked RCODE ANSWERS WHO NAME ARGUMENTS...: asks with dig, and prints the line that the query log
# should have of it, but for the time. WHO is the client's address in the log.
asked() {
    local rcode=$1 count=$2 who=$3 name=$4 type=$5 size
    shift 5
    size=$(dig +time=$DIG_S +tries=1 +noedns -p "$SERVER_PORT" "$@" "$name" "$type" |
        sed -n 's/^;; MSG SIZE  rcvd: //p')
    echo "$who $name $type IN: $rcode/$count/$size"
}

ttl() {
    dig +noall +answer +time=$DIG_S +tries=1 -p "$SERVER_PORT" @127.0.0.1 "$NAME" A | awk '{ print $2 }'
}

# limit_processes COUNT: of repdnsd's user, set by that user as root may not do it to others here.
limit_processes() {
    setpriv --reuid repdns --regid repdns --clear-groups \
        prlimit --pid "${STARTED[repdnsd]}" --nproc="$1:"
}

# The newest line of counters, and a counter of it.
counter() { # NAME
    grep 'queries=' "$RUN/repdnsd.log" | tail -n 1 | grep -oE "(^| )$1=[0-9]+" | cut -d= -f2
}

state_folder "$STATE"
echo "203.0.113.7 :127.0.0.2:one" >"$RUN/clients"
conf
load "$CONF" run --as-of "$AS_OF" >"$RUN/load.log" 2>&1 || e2e_stop "load" "$(cat "$RUN/load.log")"

echo "# the query log, as rbldnsd writes it, addresses cut"
conf 'udp_workers = 2' "query_log { path = \"$OUT/queries\" }"
start_server "$CONF"
within 2 test -s "$OUT/queries" || fail "the query log is there" "$(cat "$RUN/repdnsd.log")"
check_eq "its owner and mode" "$(stat -c '%U %a' "$OUT/queries")" "repdns 644"
# own_lines: what was asked but by start_server.
own_lines() {
    grep -v ' 2\.0\.0\.127\.' "$1"
}
own_lines_are() { # FILE COUNT
    [ "$(own_lines "$1" | wc -l)" = "$2" ]
}
{
    asked NOERROR 1 127.0.0.0 "$NAME" A @127.0.0.1
    asked NOERROR 1 203.0.113.0 7.113.0.203.IP.Rep.exAMPLE TXT -b 203.0.113.9 @127.0.0.1
    asked NXDOMAIN 0 198.51.100.0 8.113.0.203.ip.rep.example A -b 198.51.100.99 @127.0.0.1
    asked NXDOMAIN 0 2001:db8:bad:: 8.113.0.203.ip.rep.example AAAA -b 2001:db8:bad::9 @::1
    asked NOERROR 1 2001:db8:600d:: "$NAME" A -b 2001:db8:600d::9 @::1 +tcp
    asked REFUSED 0 127.0.0.0 www.example.org MX @127.0.0.1
    asked NXDOMAIN 0 '::' 'a\.b\@\032c.dom.rep.example' type65280 @::1
    asked NOERROR 1 127.0.0.0 ip.rep.example SOA @127.0.0.1 +tcp
} | sort >"$RUN/wanted"
# Not answered, so not logged: a response, and three bytes.
python3 - "$SERVER_PORT" <<'EOF_PY'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b"\0\1\x80\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1", ("127.0.0.1", int(sys.argv[1])))
s.sendto(b"abc", ("127.0.0.1", int(sys.argv[1])))
EOF_PY
within 2 own_lines_are "$OUT/queries" 8 || true
sleep 0.2
own_lines "$OUT/queries" >"$RUN/lines"
cut -d' ' -f2- "$RUN/lines" | sort >"$RUN/got"
check_eq "the lines of what was asked" "$(diff "$RUN/wanted" "$RUN/got" || true)" ""
check_eq "their times" "$(awk -v now="$(date +%s)" '$1 < now - 60 || $1 > now' "$RUN/lines")" ""

echo "# rotated, another format, whole addresses, one of three"
mv "$OUT/queries" "$OUT/queries.1"
conf 'udp_workers = 2' "query_log { path = \"$OUT/queries\"  format = text  addresses = full }"
check_has "SIGHUP with a good configuration" "$(hup)" 'repdns\.conf: read again'
for _ in 1 2; do
    asked x 0 x "$NAME" A -b 203.0.113.9 @127.0.0.1 >/dev/null
    asked x 0 x 8.113.0.203.ip.rep.example A -b 2001:db8:bad::9 @::1 +tcp >/dev/null
done
check "a new file" within 2 lines_are "$OUT/queries" 4
time='20[0-9-]{8}T[0-9:]{8}Z'
check_eq "text over UDP" "$(grep -cE "^$time client=203\.0\.113\.9 transport=udp name=$NAME \
type=A class=IN rcode=NOERROR answers=1 bytes=[0-9]+ listed$" "$OUT/queries")" 2
check_eq "text over TCP" "$(grep -cE "^$time client=2001:db8:bad::9 transport=tcp \
name=8\.113\.0\.203\.ip\.rep\.example type=A class=IN rcode=NXDOMAIN answers=0 bytes=[0-9]+$" \
    "$OUT/queries")" 2
check "the old one got nothing of it" own_lines_are "$OUT/queries.1" 8
conf "query_log { path = \"$OUT/sampled\"  format = text  sample = 3 }"
check_has "SIGHUP, to fewer workers" "$(hup)" 'repdns\.conf: read again'
for _ in 1 2 3 4 5 6 7 8; do
    answers 127.0.0.2 "$NAME" A || fail "an answer after SIGHUP"
done
within 2 lines_are "$OUT/sampled" 2 || true
check_eq "one of three" "$(grep -c "client=127.0.0.0/24 " "$OUT/sampled")" 2

echo "# a file that can't be written, and a logger that is killed"
conf "query_log { path = \"$RUN/closed/queries\" }"
check_has "SIGHUP" "$(hup)" 'read again'
check "answers go on" answers 127.0.0.2 "$NAME" A
within 3 grep -q 'query log' "$RUN/repdnsd.log" || true
sleep 1.2
check_one_line "one line says why" "$(grep 'query log' "$RUN/repdnsd.log")" \
    'closed/queries: can.t be opened: No such file'
mkdir "$RUN/closed"
chown repdns:repdns "$RUN/closed"
check "and it goes on when that is mended" within 3 test -s "$RUN/closed/queries"
logger=$(children | tr ' ' '\n' | grep . | tail -n 1)
check_eq "the logger has no socket" "$(find "/proc/$logger/fd" -lname 'socket:*' | wc -l)" 0
kill -KILL "$logger"
check "killed: answers go on" answers 127.0.0.2 "$NAME" A
check "killed: what was asked meanwhile is logged" within 3 lines_are "$RUN/closed/queries" 2
check_has "and a line of it" "$(cat "$RUN/repdnsd.log")" 'query logger ended by signal 9'

echo "# a pipe whose reader sleeps"
mkfifo "$OUT/pipe"
chown repdns:repdns "$OUT/pipe"
conf "query_log { path = \"$OUT/pipe\" }"
check_has "SIGHUP" "$(hup)" 'read again'
within 3 grep -q 'nobody reads the pipe' "$RUN/repdnsd.log" ||
    fail "without a reader: a line of it" "$(tail -n 3 "$RUN/repdnsd.log")"
check "without a reader: answers" answers 127.0.0.2 "$NAME" A
exec 4<>"$OUT/pipe"
usr USR1 >/dev/null
dropped=$(counter log-dropped)
printf '%s\n' "$NAME" 8.113.0.203.ip.rep.example >"$RUN/names"
start dnsload timeout 60 "$BIN/tests/tools/dnsload" 127.0.0.1 "$SERVER_PORT" 3 "$RUN/names" 64
for _ in 1 2 3 4 5 6 7 8 9; do
    from=$(now_ms)
    answers 127.0.0.2 "$NAME" A || fail "an answer beside the load"
    echo $(($(now_ms) - from))
done >"$RUN/beside"
median=$(sort -n "$RUN/beside" | sed -n 5p)
wait "${STARTED[dnsload]}" || fail "dnsload" "$(cat "$RUN/dnsload.log")"
unset "STARTED[dnsload]"
check_has "the load: $(cat "$RUN/dnsload.log")" "$(cat "$RUN/dnsload.log")" ' 0 lost'
if [ "$median" -le 900 ]; then pass "dig beside it: $median ms"; else fail "dig beside it: $median ms"; fi
usr USR1 >/dev/null
check "what does not fit is counted: $(($(counter log-dropped) - dropped))" \
    test "$(counter log-dropped)" -gt $((dropped + 1000))
timeout 3 cat <&4 >"$RUN/piped" || true
exec 4>&-
check "the rest is read later: $(wc -l <"$RUN/piped") lines" \
    test "$(wc -l <"$RUN/piped")" -gt 1000
check_eq "whole lines only" "$(grep -cvE "^[0-9]{10} 127\.0\.0\.0 (7|8)\.113\.0\.203\.ip\.rep\.\
example A IN: (NOERROR/1|NXDOMAIN/0)/[0-9]+$" "$RUN/piped")" 0

echo "# the end, while that reader sleeps"
stop repdnsd || fail "repdnsd ends with exit code 0"
exec 4<>"$OUT/pipe"
start_server "$CONF"
start dnsload timeout 60 "$BIN/tests/tools/dnsload" 127.0.0.1 "$SERVER_PORT" 1 "$RUN/names" 64
wait "${STARTED[dnsload]}" || fail "dnsload" "$(cat "$RUN/dnsload.log")"
unset "STARTED[dnsload]"
stop repdnsd || fail "repdnsd ends with exit code 0"
timeout 3 cat <&4 >"$RUN/piped" || true
exec 4>&-
lost=$(counter log-lost)
check_has "what is lost is said: $lost" "$(cat "$RUN/repdnsd.log")" \
    "out/pipe: its last $lost lines could not be written"
check "and in the counters" test "$lost" -gt 1000
check_eq "each answer is read, dropped or lost" "$(($(wc -l <"$RUN/piped") + $(counter log-dropped) + lost))" \
    "$(($(counter queries) - $(counter dropped)))"

echo "# to syslog"
mount -t tmpfs tmpfs /dev
mknod -m 666 /dev/null c 1 3
mknod -m 666 /dev/urandom c 1 9
start syslog python3 -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
while True:
    print(s.recv(4096).decode(), flush=True)' /dev/log
within 3 test -S /dev/log || fail "/dev/log"
conf 'query_log { path = "syslog:local3" }'
start_server "$CONF"
answers 127.0.0.2 "$NAME" A || fail "an answer"
check "syslog has a line, with the facility" within 3 \
    grep -qE "^<158>.* repdnsd(\[[0-9]+\])?: [0-9]{10} 127\.0\.0\.0 $NAME A IN: NOERROR/1/" "$RUN/syslog.log"
stop syslog || true
umount -l /dev
conf 'query_log { path = "syslog:nonsense" }'
check_has "no such facility" "$(hup)" 'nonsense" is no facility of syslog.*going on as before'

echo "# signals and statistics"
conf 'query_log { path = "-" }' "statistics { path = \"$OUT/stats\"  every = 1 }"
check_has "SIGHUP" "$(hup)" 'read again'
usr USR2 >/dev/null
from=$(now_ms)
for _ in 1 2 3; do
    answers 127.0.0.2 "$NAME" A || fail "an answer"
done
has_status NXDOMAIN 8.113.0.203.ip.rep.example A || fail "an answer"
has_status REFUSED www.example.org A || fail "an answer"
got=$(usr USR1)
check_has "SIGUSR1: counters" "$got" 'repdnsd: queries=5 dropped=0 tcp=0 ipv6=0 edns=5 .*listed=3 .*nxdomain=1 .*drop-acl=0 '
check_has "SIGUSR1: a zone" "$got" \
    'stats for [0-9]+secs zone ip\.rep\.example: tot=4 ok=3 nxd=1 err=0 in=[1-9][0-9]* out=[1-9]'
check_has "SIGUSR1: another" "$got" \
    'stats for [0-9]+secs zone dom\.rep\.example: tot=0 ok=0 nxd=0 err=0 in=0 out=0$'
check_has "SIGUSR1: all" "$got" \
    'stats for [0-9]+sec: tot=5 ok=3 nxd=1 err=1 in=[1-9][0-9]* out=[1-9]'
check_hasnt "SIGUSR1: not a disabled zone" "$got" 'zone hint'
check_has "the query log at standard output" "$(cat "$RUN/repdnsd.log")" \
    "^[0-9]{10} 127\.0\.0\.0 $NAME A IN: NOERROR/1/"
check_has "SIGUSR2: the same" "$(usr USR2)" 'stats for [0-9]+sec: tot=5 '
check_has "and from nothing again" "$(usr USR1)" 'stats for [0-9]+sec: tot=0 ok=0 nxd=0 err=0 in=0 '
answers 127.0.0.2 +tcp "$NAME" A || fail "an answer"
within 3 grep -qE ' \*:1:1:0:[0-9:]*$' "$OUT/stats" || true
cp "$OUT/stats" "$RUN/stats"
line='[0-9]{10}( [a-z.]+(:[0-9]+){5})+ \*(:[0-9]+){5}'
check_has "statistics: a time alone at the start" "$(head -n 1 "$RUN/stats")" '^[0-9]{10}$'
check_eq "statistics: nothing else but lines" "$(grep -cvxE "$line|[0-9]{10}" "$RUN/stats")" 0
check_eq "statistics: a time alone at each reset" "$(grep -cxE '[0-9]{10}' "$RUN/stats")" 3
check_has "statistics: what the log says" "$(cat "$RUN/stats")" \
    ' ip\.rep\.example:4:3:1:[0-9]+:[0-9]+ .* \*:5:3:1:[0-9]+:[0-9]+$'
check_has "statistics: every second, TCP too" "$(tail -n 1 "$RUN/stats")" \
    ' ip\.rep\.example:1:1:0:[0-9]+:[0-9]+ .* \*:1:1:0:'
conf "statistics { path = \"$OUT/deltas\"  every = 0  deltas = yes }"
check_has "SIGHUP" "$(hup)" 'read again'
for wanted in 2 1 0; do
    for _ in $(seq $wanted); do
        answers 127.0.0.2 "$NAME" A || fail "an answer"
    done
    usr USR1 >/dev/null
    check_has "deltas: $wanted" "$(tail -n 1 "$OUT/deltas")" " ip\.rep\.example:$wanted:$wanted:0:"
done
check "deltas: a line for each signal, none else" lines_are "$OUT/deltas" 4
conf "statistics { path = \"$OUT/metrics\"  format = prometheus  every = 1 }"
check_has "SIGHUP" "$(hup)" 'read again'
check "Prometheus: there at once" test -s "$OUT/metrics"
answers 127.0.0.2 "$NAME" A || fail "an answer"
within 3 grep -qE '^repdnsd_zone_ok_total.*ip\.rep\.example"\} [1-9]' "$OUT/metrics" || true
got=$(cat "$OUT/metrics")
check_has "Prometheus: a counter" "$got" '^repdnsd_queries_total [1-9][0-9]*$'
check_has "Prometheus: its kind" "$got" '^# TYPE repdnsd_log_dropped_total counter$'
check_has "Prometheus: a zone" "$got" \
    '^repdnsd_zone_ok_total\{zone="ip\.rep\.example"\} [1-9][0-9]*$'
check_eq "Prometheus: nothing but metrics" \
    "$("$E2E_DIR/promcheck.py" <"$OUT/metrics" | grep -v '^[0-9]* samples$')" ""
check_eq "Prometheus: no file beside it" "$(find "$OUT" -name 'metrics?*')" ""
counted=$(sed -n 's/^repdnsd_all_queries_total //p' "$OUT/metrics")
check "counts outlive five times SIGHUP: $counted" test "$counted" -ge 10

echo "# configurations that change under load"
# ask_all SECONDS RATE: so many queries a second at most over UDP, each of its own, and one TCP
# connection in 50; prints how many were asked and answered. No more wait than the kernel has room for.
cat >"$RUN/ask_all.py" <<'EOF_PY'
import select, socket, struct, sys, time
port, seconds, rate = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
to = ("127.0.0.1", port)
socks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(16)]
for s in socks:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    s.connect(to)
kept = socket.create_connection(to)
wait, asked, answered, tcp_asked, tcp_answered = set(), 0, 0, 0, 0
slowest, since = 0.0, {}

def query(n):
    name = b"".join(bytes([len(p)]) + p for p in b"7.113.0.203.ip.rep.example".split(b"."))
    return struct.pack(">6H", n, 0, 1, 0, 0, 0) + name + b"\0\0\1\0\1"

def take(left):
    global answered, slowest
    for s in select.select(socks, [], [], max(left, 0))[0]:
        reply = s.recv(2000)
        key = (s.fileno(), reply[:2])
        if key in wait and reply[3] & 15 == 0 and reply[7] == 1:
            wait.discard(key)
            answered += 1
            slowest = max(slowest, time.monotonic() - since.pop(key))

def tcp(s):
    q = query(1)
    s.sendall(struct.pack(">H", len(q)) + q)
    s.settimeout(20)
    got = b""
    while len(got) < 2 or len(got) < 2 + struct.unpack(">H", got[:2])[0]:
        more = s.recv(2000)
        if not more:
            return 0
        got += more
    return got[9] == 1

start = time.monotonic()
while time.monotonic() < start + seconds:
    due = int((time.monotonic() - start) * rate)
    for _ in range(min(due - asked, 100, 200 - len(wait))):
        s = socks[asked % len(socks)]
        q = query(asked // len(socks) % 65536)
        wait.add((s.fileno(), q[:2]))
        since[(s.fileno(), q[:2])] = time.monotonic()
        s.send(q)
        asked += 1
        if asked % 50 == 0:
            tcp_asked += 1
            with socket.create_connection(to) as c:
                tcp_answered += tcp(c)
        if asked % 2000 == 0:
            tcp_asked += 1
            tcp_answered += tcp(kept)
    take(0.001)
end = time.monotonic() + 10
while wait and time.monotonic() < end:
    take(end - time.monotonic())
print(f"udp {asked} asked {asked - answered} lost, tcp {tcp_asked} asked "
      f"{tcp_asked - tcp_answered} lost, slowest {slowest * 1000:.0f} ms")
EOF_PY
base=("query_log { path = \"$OUT/load\" }" "statistics { path = \"$OUT/stats\"  every = 1 }")
conf 'udp_workers = 2' "${base[@]}"
check_has "SIGHUP" "$(hup)" 'read again'
stop repdnsd || fail "repdnsd ends with exit code 0"
check_has "statistics at the end: a line, and a time alone" "$(tail -n 2 "$OUT/stats" | tr '\n' ';')" \
    "^[0-9]{10} .*;[0-9]{10};$"
start_server "$CONF"
start ask timeout 60 python3 "$RUN/ask_all.py" "$SERVER_PORT" 10 4000
sleep 0.5
check_has "SIGHUP, nothing changed" "$(hup)" 'read again'
conf 'udp_workers = 1' "${base[@]}"
check_has "SIGHUP, fewer workers" "$(hup)" 'read again'
conf 'udp_workers = 4' "${base[@]}"
check_has "SIGHUP, more workers" "$(hup)" 'read again'
conf 'udp_workers = 2' "${base[@]}" 'colour = "blue"'
check_has "SIGHUP, an error" "$(hup)" 'repdns\.conf:[0-9]+: .*colour.*going on as before'
conf 'udp_workers = 2' "${base[@]}" "listen = {\"127.0.0.1@$SERVER_PORT\", \"127.0.0.1@5310\"}"
check_has "SIGHUP, another address" "$(hup)" 'read again'
check_eq "it answers there" "$(dig +short +time=$DIG_S +tries=1 -p 5310 @127.0.0.1 "$NAME" A)" 127.0.0.2
check_eq "and over TCP" "$(dig +short +tcp +time=$DIG_S +tries=1 -p 5310 @127.0.0.1 "$NAME" A)" 127.0.0.2
conf 'udp_workers = 2' "${base[@]}" "listen = {\"127.0.0.1@$SERVER_PORT\", \"192.0.2.99@5310\"}"
check_has "SIGHUP, an address that it can't have" "$(hup)" '192\.0\.2\.99@5310 .*going on as before'
check_eq "the one before still answers" \
    "$(dig +short +time=$DIG_S +tries=1 -p 5310 @127.0.0.1 "$NAME" A)" 127.0.0.2
conf 'udp_workers = 2' "${base[@]}" "listen = {\"127.0.0.1@$SERVER_PORT\", \"127.0.0.1@53\"}"
check_has "SIGHUP, a port that needs root" "$(hup)" '127\.0\.0\.1@53 .*Permission denied'
conf 'udp_workers = 2' "${base[@]}" 'user = "nobody"'
check_has "SIGHUP, another user" "$(hup)" 'repdns\.conf: user is another one; restart repdnsd'
conf 'udp_workers = 2' "${base[@]}" 'ttl = 7'
limit_processes 1
check_has "SIGHUP, no processes to be had" "$(hup)" 'workers did not start.*going on as before'
check_eq "still with the configuration before" "$(ttl)" 1800
limit_processes 10000
check_has "SIGHUP, and now there are" "$(hup)" 'read again'
check_eq "with the new configuration" "$(ttl)" 7
conf 'udp_workers = 2' "${base[@]}"
check_has "SIGHUP, as at first" "$(hup)" 'read again'
check_has "the address is given up" \
    "$(dig +short +time=$DIG_S +tries=1 -p 5310 @127.0.0.1 "$NAME" A 2>&1 || true)" 'refused|no servers'
mv "$OUT/load" "$OUT/load.1"
conf 'udp_workers = 2' "${base[@]}" 'zone "ip" {'
check_has "SIGHUP, an error while logs are rotated" "$(hup)" 'never closed.*going on as before'
check "the query log is reopened all the same" within 2 test -s "$OUT/load"
conf 'udp_workers = 2' "${base[@]}"
for _ in 1 2 3 4 5 6 7 8 9 10; do
    kill -HUP "${STARTED[repdnsd]}"
    sleep 0.1
done
wait "${STARTED[ask]}" || fail "ask_all" "$(cat "$RUN/ask.log")"
unset "STARTED[ask]"
check_has "none was lost: $(cat "$RUN/ask.log")" "$(cat "$RUN/ask.log")" \
    'udp [0-9]{4,} asked 0 lost, tcp [0-9]+ asked 0 lost'
asked=$(($(sed -n 's/^udp \([0-9]*\) .*tcp \([0-9]*\) .*/\1 + \2/p' "$RUN/ask.log")))
logged_all() {
    [ "$(cat "$OUT/load" "$OUT/load.1" | grep -c " 127.0.0.0 $NAME A IN: NOERROR/1/60\$")" = "$asked" ]
}
check "each is in the query log once" within 3 logged_all
sleep 0.2
usr USR1 >/dev/null
check_eq "no line was dropped" "$(counter log-dropped)" 0
check "and each is counted: $(counter queries)" test "$(counter listed)" -ge "$asked"
one_generation() {
    [ "$(children | wc -w)" = 4 ]
}
check "what has finished is gone" within 15 one_generation
stop repdnsd || fail "repdnsd ends with exit code 0"
check_hasnt "no process ended by itself" "$(cat "$RUN/repdnsd.log")" 'worker ended'
e2e_end
