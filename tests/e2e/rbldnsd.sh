#!/bin/bash
# repdns-rbldnsd in rbldnsd's place: its command line, its processes, its files, its messages. What
# is answered is in tests/differential.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck disable=SC2016 # a dollar is a dollar here
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin rbldnsd 120 "$@"
need /repdnsd /repdns-load /repdns /repdns-rbldnsd rbldnsd python3

PORT=5400 AT=127.0.0.1/5400
export TMPDIR=$RUN/tmp
mkdir -m 1777 "$TMPDIR"
DATA=$RUN/data STORE=$RUN/store
mkdir "$DATA"
chmod 755 "$DATA"
cd "$DATA"
printf '1.2.3.4 one\n:5:net\n20/8\n' >list
printf '1.2.3.0/24\n1.2.3.0/24\n' >trie
printf ':3:name\nfoo.example\n.bar.example\n' >names
for i in 1 2 3 4 5 6 7 8; do echo "nonsense$i"; done >bad
echo 1.2.3.9 >>bad

asks() { # NAME [TYPE]
    dig +time=$DIG_S +tries=1 +short -p "$PORT" @127.0.0.1 "$1" "${2:-A}" 2>/dev/null || true
}

code() { # NAME
    dig +time=$DIG_S +tries=1 +noall +comments -p "$PORT" @127.0.0.1 "$1" A 2>/dev/null |
        sed -n 's/.*status: \([A-Z]*\),.*/\1/p'
}

has() { # WANTED NAME
    [ "$(asks "$2")" = "$1" ]
}

has_code() { # WANTED NAME
    [ "$(code "$2")" = "$1" ]
}

front() { # NAME ARGUMENTS...
    local name=$1
    shift
    : >"$RUN/$name.log"
    start "$name" "$BIN/repdns-rbldnsd" "$@"
}

# Programs of ours that run.
ours() {
    local exe count=0
    for exe in /proc/[0-9]*/exe; do
        case $(readlink "$exe") in "$BIN"/*) count=$((count + 1)) ;; esac
    done
    echo "$count"
}

none_runs() {
    [ "$(ours)" = 0 ]
}

temporary_stores() {
    find "$TMPDIR" -maxdepth 1 -name 'repdns-rbldnsd.*' | wc -l
}

has_two_stores() {
    [ "$(find "$RUN/state" -name answers.mdb | wc -l)" = 2 ]
}

# The processes of a program: pids.
pids_of() { # PROGRAM
    local exe
    for exe in /proc/[0-9]*/exe; do
        case $(readlink "$exe") in "$BIN/$1") basename "$(dirname "$exe")" ;; esac
    done
}

# The messages and exit codes of a program, some of whose words must differ.
outcome() { # PROGRAM ARGUMENTS...
    local rc=0 text
    text=$(timeout 30 "$@" 2>&1 </dev/null) || rc=$?
    grep -v -e '^rbldnsd: listening' -e 'store is temporary' <<<"$text" | tail -n 1
    echo "exit $rc"
}

# The command line.
while IFS= read -r arguments; do
    # shellcheck disable=SC2086
    check_eq "rbldnsd $arguments" "$(outcome "$BIN/repdns-rbldnsd" $arguments)" \
        "$(outcome rbldnsd $arguments)"
done <<EOF_LINES
-Z
-b
-n
-n z:ip4set:list
-n -b $AT z:foo:list
-n -b $AT z::list
-n -b $AT z
-n -b $AT .
-n -b $AT z:ip4set
-n -b $AT z:
-n -b $AT z:ip4set:
-n -b $AT :ip4set:list
-n -b $AT .:ip4set:list
-n -b $AT z:acl:list z:acl:list
-n -b $AT :acl:list :acl:list
-n -b $AT z:ip4set:missing
-b $AT z:ip4set:missing
-d z:ip4set:missing
-n -b nosuch.invalid z:ip4set:list
-n -b 127.0.0.1/nosuch z:ip4set:list
-n -b /$PORT z:ip4set:list
-n -4 -b ::1/$PORT z:ip4set:list
-n -b 192.0.2.77/$PORT z:ip4set:list
-n -b $AT -t x z:ip4set:list
-n -b $AT -t 0 z:ip4set:list
-n -b $AT -t 1m:2m z:ip4set:list
-n -b $AT -t 1:2:3:4 z:ip4set:list
-n -b $AT -c x z:ip4set:list
-n -b $AT -u root z:ip4set:list
-n -b $AT -u 0:0 z:ip4set:list
-n -b $AT -u nosuch z:ip4set:list
-n -b $AT -u nobody:nosuch z:ip4set:list
-n -b $AT -r /nosuch z:ip4set:list
-n -b $AT -w /nosuch z:ip4set:list
-n -b $AT -p /nosuch/pid z:ip4set:list
-n -b $AT -F nosuch z:ip4set:list
-n -b $AT -x nosuch z:ip4set:list
EOF_LINES
rc=0
text=$("$BIN/repdns-rbldnsd") || rc=$?
check_eq "no arguments: exit 1" "$rc" 1
check_has "no arguments: usage" "$text" '^Usage is: '
check_has "-h names -6" "$("$BIN/repdns-rbldnsd" -h)" '[ ,]-6 '
check "-h: exit 0" "$BIN/repdns-rbldnsd" -h
check "nothing is left of failed starts" none_runs
check_eq "no store is left of them" "$(temporary_stores)" 0

# In the foreground.
front fore -n -f -C -b "$AT" -c 1 -p "$RUN/pid" --store "$STORE" \
    z.example:ip4set:list z.example:ip4trie:trie names.example:dnset:names bad.example:ip4set:bad
within 5 has 127.0.0.2 4.3.2.1.z.example || e2e_stop "it serves" "$(cat "$RUN/fore.log")"
check_eq "TXT" "$(asks 4.3.2.1.z.example TXT)" '"one"'
check_eq "a name" "$(asks x.bar.example.names.example)" 127.0.0.3
check_eq "an unknown zone" "$(code 4.3.2.1.other.example)" REFUSED
check_eq "the pid is the server's" "$(readlink "/proc/$(cat "$RUN/pid")/exe")" "$BIN/repdnsd"
check_eq "it is the pid that was started" "$(cat "$RUN/pid")" "${STARTED[fore]}"
check_eq "it runs as rbldns" \
    "$(stat -c %U "/proc/$(pids_of repdns-load)" "/proc/${STARTED[fore]}" | sort -u)" rbldns
log=$(cat "$RUN/fore.log")
check_has "-f is told of once" "$log" '^rbldnsd: -f has no effect'
check_has "-C is told of once" "$log" '^rbldnsd: -C has no effect'
check_has "what was loaded" "$log" \
    '^rbldnsd: ip4set:/.*/list: 20[0-9]{6} [0-9]{6}: e32/24/16/8=1/0/0/1$'
check_has "of names" "$log" '^rbldnsd: dnset:/.*/names: .*: e/w=2/1$'
check_has "a reload's time" "$log" '^rbldnsd: zones reloaded, time [0-9.]+e/[0-9.]+u sec'
check_has "a duplicate" "$log" 'duplicated entry for 1.2.3.0/24'
check_eq "five warnings of a list" "$(grep -c '/bad:[1-8]: ' <<<"$log")" 5
check_has "and how many more" "$log" 'ip4set:/.*/bad: 3 more warnings suppressed'
check_has "it says that it serves" "$log" 'started \(1 socket\(s\), 3 zone\(s\)\)'

# Reloads.
printf '1.2.40.5 new\n' >list.new && mv list.new list
check "-c 1: a changed file is read" within 4 has 127.0.0.2 5.40.2.1.z.example
check_eq "and what it had no more" "$(code 1.20.0.20.z.example)" NXDOMAIN
mv list away
check "a file that has gone is told of" within 4 grep -q 'data/list: No such file' "$RUN/fore.log"
check_eq "its entries stay" "$(asks 5.40.2.1.z.example)" 127.0.0.2
printf '1.2.3.6\n$TIMESTAMP 2037:01:01\n' >list
check "a stamp in the future is told of" within 4 grep -q 'TIMESTAMP\|future' "$RUN/fore.log"
check_eq "entries stay over it too" "$(asks 5.40.2.1.z.example)" 127.0.0.2
printf '1.2.40.7\n' >list
check "a good file is read again" within 4 has 127.0.0.2 7.40.2.1.z.example

stop fore || true

# -e and -t beside rbldnsd: TTLs and prefixes with bits past their length.
printf '$TTL 30\n10.20.30.40/24\n10.20.40.0/24\n' >cidr
printf '$TTL 2d\nfoo.example\n' >ttl
front fore -n -e -t 10m:5m:1d -b "$AT" --store "$STORE" z.example:ip4set:cidr n.example:dnset:ttl
start theirs rbldnsd -n -e -t 10m:5m:1d -b 127.0.0.3/$PORT z.example:ip4set:cidr n.example:dnset:ttl
within 5 has 127.0.0.2 1.40.20.10.z.example || fail "-e: it serves" "$(cat "$RUN/fore.log")"
for name in 1.30.20.10.z.example 1.40.20.10.z.example foo.example.n.example; do
    check_eq "-e, -t: $name" "$(dig +noall +answer -p "$PORT" @127.0.0.1 "$name" A)" \
        "$(dig +noall +answer -p "$PORT" @127.0.0.3 "$name" A)"
done
stop theirs || true
stop fore || true

# Strictly as rbldnsd: a list that can't be read is not served, a carriage return is no line's end.
printf '1.2.30.1\r\n1.2.30.2\n' >crlf
front fore -n -c 1 --strict-rbldnsd -b "$AT" --store "$STORE" z.example:ip4set:crlf
check "--strict-rbldnsd: it answers" within 5 has 127.0.0.2 2.30.2.1.z.example
check_eq "a line with a carriage return is none" "$(code 1.30.2.1.z.example)" NXDOMAIN
mv crlf away
check "a file that has gone takes its zone away" within 4 has_code SERVFAIL 2.30.2.1.z.example
mv away crlf
check "it comes back with it" within 4 has 127.0.0.2 2.30.2.1.z.example
stop fore || true
front fore -n -b "$AT" --store "$STORE" z.example:ip4set:crlf
check "not strictly, the same line counts" within 5 has 127.0.0.2 1.30.2.1.z.example

# Another instance.
rc=0
text=$(timeout 10 "$BIN/repdns-rbldnsd" -n -b 127.0.0.3/$PORT --store "$STORE" z.example:ip4set:list 2>&1) || rc=$?
check_eq "a store for one instance only: exit 1" "$rc" 1
check_has "it says why" "$text" '^rbldnsd: the store .* is used by another instance'
rc=0
text=$(timeout 10 "$BIN/repdns-rbldnsd" -n -b "$AT" z.example:ip4set:list 2>&1) || rc=$?
check_eq "an address for one instance only: exit 1" "$rc" 1
check_has "in rbldnsd's words" "$text" \
    "^rbldnsd: unable to bind to 127.0.0.1/$PORT: Address already in use"

# The end.
rc=0
stop fore || rc=$?
check_eq "SIGTERM: exit 0" "$rc" 0
check "SIGTERM ends all" none_runs

# Again with the store in place. The time of an answer is that of a program without a shell.
first_answer() { # ARGUMENTS...
    python3 - "$PORT" "$BIN/repdns-rbldnsd" "$@" <<'EOF_PY'
import socket, subprocess, sys, time
port, command = int(sys.argv[1]), sys.argv[2:]
query = bytes.fromhex("123400000001000000000000") + b"\x017\x013\x012\x011\x01z\x07example\0\0\x01\0\x01"
out = open("again.log", "w")
began = time.monotonic()
process = subprocess.Popen(command, stdout=out, stderr=out)
while time.monotonic() < began + 30:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.connect(("127.0.0.1", port))
        try:
            s.send(query)
            reply = s.recv(512)
            break
        except OSError:
            time.sleep(0.0005)
took = time.monotonic() - began
assert reply[3] & 15 == 0 and reply[7] == 1, reply
process.terminate()
assert process.wait(10) == 0
print(round(took * 1000))
EOF_PY
}
python3 -c '
print("1.2.3.7")
for i in range(200000): print(f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}")' >list
cold=$(first_answer -n -b "$AT" --store "$STORE" z.example:ip4set:list)
check_has "the files are read when they are others" "$(cat again.log)" '^rbldnsd: ip4set:'
best=9999
for _ in 1 2 3 4 5; do
    warm=$(first_answer -n -b "$AT" --store "$STORE" z.example:ip4set:list)
    [ "$warm" -ge "$best" ] || best=$warm
done
check_hasnt "the store is used when they are the same" "$(cat again.log)" 'ip4set:|reloaded'
if [ "$best" -le 50 ]; then
    pass "the first answer comes within 50 ms: $best (read anew: $cold)"
else
    fail "the first answer comes within 50 ms" "it took $best"
fi
touch list
first_answer -n -b "$AT" --store "$STORE" z.example:ip4set:list >/dev/null
check_has "not when one was touched" "$(cat again.log)" '^rbldnsd: ip4set:'
cp list list.new && touch -r list list.new && mv list.new list
first_answer -n -b "$AT" --store "$STORE" z.example:ip4set:list >/dev/null
check_has "nor when it is another file" "$(cat again.log)" '^rbldnsd: ip4set:'
first_answer -n -b "$AT" --store "$STORE" z.example:ip4set:list z.example:ip4trie:trie >/dev/null
check_has "nor with other arguments" "$(cat again.log)" 'reloaded'
printf garbage >"$STORE/answers.mdb"
first_answer -n -b "$AT" --store "$STORE" z.example:ip4set:list >/dev/null
check_has "a damaged store is made anew" "$(cat again.log)" '^rbldnsd: ip4set:'
check "nothing runs" none_runs

# As a daemon. The shell would wait for a process that kept its output.
printf '1.2.3.4 one\n' >list
rc=0
text=$("$BIN/repdns-rbldnsd" -b "$AT" -c 0 -p "$RUN/pid" --store "$STORE" z.example:ip4set:list 2>&1) || rc=$?
check_eq "a daemon's start: exit 0" "$rc" 0
check_eq "it answers from then on" "$(asks 4.3.2.1.z.example)" 127.0.0.2
check_has "it tells the terminal what it loads" "$text" '^rbldnsd: ip4set:'
pid=$(cat "$RUN/pid")
check_eq "the pid is the server's" "$(readlink "/proc/$pid/exe")" "$BIN/repdnsd"
check_eq "in a session of its own" "$(ps -o sid= -p "$pid" | tr -d ' ')" "$pid"
check_eq "without the terminal" "$(readlink "/proc/$pid/fd/1")" /dev/null
printf '1.2.30.8\n' >list
sleep 1.2
check_eq "-c 0: nothing is looked for" "$(code 8.30.2.1.z.example)" NXDOMAIN
kill -HUP "$pid"
check "SIGHUP: the file is read" within 3 has 127.0.0.2 8.30.2.1.z.example
loader=$(pids_of repdns-load)
kill -KILL "$loader"
sleep 0.3
check_eq "without its loader it answers" "$(asks 8.30.2.1.z.example)" 127.0.0.2
kill -TERM "$pid"
check "SIGTERM ends all" within 3 none_runs
rc=0
text=$("$BIN/repdns-rbldnsd" -b "$AT" -p "$RUN/pid" --store "$STORE" z.example:ip4set:list,gone 2>&1) || rc=$?
check_eq "a daemon that can't load: exit 1" "$rc" 1
check_has "it says so" "$text" '^rbldnsd: zone loading errors, aborting$'
check "nothing is left of it" within 3 none_runs

# The server killed: the others go too.
front fore -n -b "$AT" --store "$STORE" z.example:ip4set:list
within 5 has 127.0.0.2 8.30.2.1.z.example || e2e_stop "it serves" "$(cat "$RUN/fore.log")"
kill -KILL "${STARTED[fore]}"
check "a killed server leaves nothing" within 3 none_runs
stop fore || true

# It does not bind before it can answer: the lock keeps the loader waiting.
exec 8>>"$STORE/lock"
flock 8
touch list
front fore -n -b "$AT" --store "$STORE" z.example:ip4set:list 8>&-
within 3 grep -q 'another run is active' "$RUN/fore.log" || true
check_eq "nothing is bound before there is an answer" "$(ss -Hlnu "sport = $PORT")" ""
exec 8>&-
check "then it answers" within 3 has 127.0.0.2 8.30.2.1.z.example
stop fore || true

# Quick: first the socket, then the files.
rm -f "$STORE"/*.mdb*
front fore -n -q -c 0 -b "$AT" --store "$STORE" z.example:ip4set:late
check "-q: SERVFAIL while nothing is loaded" within 3 has_code SERVFAIL 4.3.2.1.z.example
check "and it says why" within 3 grep -q 'data/late: No such file' "$RUN/fore.log"
printf '1.2.3.4\n' >late
kill -HUP "${STARTED[fore]}"
check "-q: answers when the file is there" within 4 has 127.0.0.2 4.3.2.1.z.example
stop fore || true

# In a chroot, with logs, which lie in there.
mkdir -p "$RUN/jail/data" "$RUN/jail/log"
chown rbldns "$RUN/jail/log"
printf '1.2.3.4\n' >"$RUN/jail/data/list"
front fore -n -c 1 -r "$RUN/jail" -w data -l +/log/queries -s /log/stats -p "$RUN/pid" -b "$AT" z.example:ip4set:list
check "-r: it answers" within 4 has 127.0.0.2 4.3.2.1.z.example
check_eq "the server is in the chroot" "$(readlink "/proc/${STARTED[fore]}/root")" "$RUN/jail"
check_eq "so is the loader" "$(readlink "/proc/$(pids_of repdns-load)/root")" "$RUN/jail"
check_eq "the pid file is outside" "$(cat "$RUN/pid")" "${STARTED[fore]}"
check "the store is in the folder of -w" ls "$RUN"/jail/data/.repdns-rbldnsd-*/answers.mdb
check "a query is logged as by rbldnsd" within 3 grep -qE \
    '^[0-9]+ 127.0.0.1 4.3.2.1.z.example A IN: NOERROR/1/[0-9]+$' "$RUN/jail/log/queries"
check "so are counts" within 4 grep -qE \
    '^[0-9]+ z.example:[0-9]+:[0-9]+:[0-9]+:[0-9]+:[0-9]+ \*:[0-9:]+$' "$RUN/jail/log/stats"
printf '1.2.3.5\n' >"$RUN/jail/data/list"
check "-r: a changed file is read" within 4 has 127.0.0.2 5.3.2.1.z.example
mv "$RUN/jail/log/queries" "$RUN/jail/log/old"
kill -HUP "${STARTED[fore]}"
check "SIGHUP: the log is opened again" within 3 test -e "$RUN/jail/log/queries"
kill -USR1 "${STARTED[fore]}"
check "SIGUSR1: counts are told" within 3 grep -qE \
    '^rbldnsd: stats for [0-9]+secs? zone z.example: tot=[0-9]+ ok=' "$RUN/fore.log"
rc=0
stop fore || rc=$?
check_eq "-r: SIGTERM: exit 0" "$rc" 0
front fore -n -r "$RUN/jail" -w data -b "$AT" z.example:ip4set:list
check "-r: again with the store" within 4 has 127.0.0.2 5.3.2.1.z.example
check_hasnt "without reading" "$(cat "$RUN/fore.log")" 'ip4set:'
stop fore || true

# The folder that systemd gives, with another instance in it.
mkdir "$RUN/state"
export STATE_DIRECTORY=$RUN/state
front fore -n -b "$AT" z.example:ip4set:list
within 4 has 127.0.0.2 8.30.2.1.z.example || fail "STATE_DIRECTORY: it answers" "$(cat "$RUN/fore.log")"
check "the store lies in STATE_DIRECTORY" test -e "$RUN/state/answers.mdb"
front other -n -b 127.0.0.3/$PORT z.example:ip4set:list
check "that of a second instance in a folder there" within 4 has_two_stores
unset STATE_DIRECTORY
stop other || true
stop fore || true

# A temporary one.
front fore -n -b "$AT" z.example:ip4set:list
check "without a place for the store it answers" within 4 has 127.0.0.2 8.30.2.1.z.example
check_has "and says so" "$(cat "$RUN/fore.log")" '^rbldnsd: the store is temporary'
check_eq "the store is there" "$(temporary_stores)" 1
stop fore || true
check_eq "and gone with it" "$(temporary_stores)" 0

# As somebody else than root.
chmod 755 "$RUN"
rc=0
text=$(setpriv --reuid nobody --regid nogroup --clear-groups "$BIN/repdns-rbldnsd" -b "$AT" \
    z.example:ip4set:list 2>&1) || rc=$?
check_eq "not as root: exit 0" "$rc" 0
check_eq "not as root: it answers" "$(asks 8.30.2.1.z.example)" 127.0.0.2
# shellcheck disable=SC2046
kill -TERM $(pids_of repdnsd) 2>/dev/null || true
check "and ends" within 3 none_runs

# A dump.
text=$("$BIN/repdns-rbldnsd" -d z.example:ip4set:list n.example:dnset:names 2>&1)
check_has "-d: a zone" "$text" '^\$ORIGIN z.example.$'
check_has "-d: an address" "$text" '^8.30.2.1[[:space:]].*A[[:space:]]127.0.0.2$'
check_has "-d: another zone" "$text" '^\$ORIGIN n.example.$'
check_has "-d: a wildcard" "$text" '^\*.bar.example[[:space:]].*A[[:space:]]127.0.0.3$'
check_eq "-d: no store is left" "$(temporary_stores)" 0

# Syslog and systemd, from a chroot that has neither, by a daemon that has no standard files.
mount -t tmpfs tmpfs /dev
mknod -m 666 /dev/null c 1 3
start listener python3 -u -c '
import os, select, socket, sys
names = {}
for name in sys.argv[1:]:
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(name)
    os.chmod(name, 0o666)
    names[s] = os.path.basename(name)
while True:
    for s in select.select(list(names), [], [])[0]:
        print(names[s], s.recv(4096).decode())' /dev/log "$RUN/notify"
within 5 test -S "$RUN/notify" || true
NOTIFY_SOCKET=$RUN/notify "$BIN/repdns-rbldnsd" -r "$RUN/jail" -w data -F local3 -b "$AT" \
    -p "$RUN/pid" z.example:ip4set:list <&- >&- 2>&- || fail "without standard files it starts"
kill -HUP "$(cat "$RUN/pid")"
check "systemd hears of a reload" within 3 grep -q '^notify RELOADING=1' "$RUN/listener.log"
kill -TERM "$(cat "$RUN/pid")"
check "and of the end" within 3 grep -q '^notify STOPPING=1' "$RUN/listener.log"
check_has "and of the start" "$(cat "$RUN/listener.log")" '^notify READY=1$'
check_has "syslog has it, with the facility" "$(cat "$RUN/listener.log")" \
    '^log <158>.* rbldnsd\[[0-9]+\]: repdnsd version .* started'
e2e_end
