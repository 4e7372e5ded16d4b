#!/bin/bash
# repdnsd from start to stop: without a store, with one that appears, changes, is replaced, damaged
# or on a full disk; privileges, a killed worker, bad configurations.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin server 180 "$@"
need /repdnsd /repdns-load

NAME=7.113.0.203.ip.rep.example
CONF=$RUN/repdns.conf STATE=$RUN/state

# conf_of FILE STATE_DIR LIST
conf_of() {
    write_conf "$1" "$2"
    echo "list \"clients\" { type = ip4set  files = {\"$3\"} }" >>"$1"
}

# list_of FILE TEXT: a list of one entry.
list_of() {
    echo "203.0.113.7 :127.0.0.2:$2" >"$1.new"
    mv "$1.new" "$1"
}

says() { # TEXT
    answers "\"$1\"" "$NAME" TXT
}

# check_soon WHAT SECONDS COMMAND...: within that, and how long it took.
check_soon() {
    local what=$1 from
    shift
    from=$(now_ms)
    if within "$@"; then pass "$what: $(($(now_ms) - from)) ms"; else fail "$what" "not within: $*"; fi
}

# load_ok CONF ARGUMENTS...: a load that must succeed, or the test ends.
load_ok() {
    load "$@" >"$RUN/load.log" 2>&1 || e2e_stop "repdns-load $*" "$(cat "$RUN/load.log")"
}

# Lines of the server's log about the store, each once: every worker says the same.
trouble() {
    sed -n 's/^repdnsd: no usable store, answering SERVFAIL: //p' "$RUN/repdnsd.log" | sort -u
}

fresh_log() {
    : >"$RUN/repdnsd.log"
}

echo "# start and stop"
state_folder "$STATE"
list_of "$RUN/clients" one
conf_of "$CONF" "$STATE" "$RUN/clients"
start repdnsd "$BIN/repdnsd" -c "$CONF"
check_soon "without a store: SERVFAIL" 2 has_status SERVFAIL "$NAME" A
check "it stays in the foreground" alive repdnsd
check_one_line "without a store: one line" "$(trouble)" 'answers\.mdb: .*run repdns-load'
check_eq "a name that is not ours: REFUSED all the same" "$(status www.example.org A)" REFUSED
load_ok "$CONF" run --as-of "$AS_OF"
check_soon "a store that appears is picked up" 2 says one

for address in 127.0.0.1 ::1; do
    for how in notcp tcp; do
        got=$(dig +time=$DIG_S +tries=1 +short +$how -p "$SERVER_PORT" "@$address" "$NAME" A 2>&1 || true)
        check_eq "answers on $address, +$how" "$got" 127.0.0.2
    done
done

list_of "$RUN/clients" two
load_ok "$CONF" run --as-of "$AS_OF"
check "a publish shows in the next answer" says two

echo "# privileges"
pids="${STARTED[repdnsd]} $(children)"
check_has "it has workers" "$pids" '[0-9]+ [0-9]+ [0-9]+'
for pid in $pids; do
    got=$(awk '/^(Uid|Gid|Groups|NoNewPrivs|CapEff):/ { $1 = $1; printf "%s ", $0 }' \
        "/proc/$pid/status")
    check_has "process $pid is repdns, without privileges" "$got" \
        '^Uid: 5354 5354 5354 5354 Gid: 5354 5354 5354 5354 Groups: 5354 CapEff: 0+ NoNewPrivs: 1 $'
done

echo "# a worker that is killed"
before=$(children)
for pid in $before; do
    kill -KILL "$pid"
done
check_soon "all workers killed: answers again" 3 says two
answers_tcp() {
    answers 127.0.0.2 +tcp "$NAME" A
}
check_soon "and over TCP" 3 answers_tcp
check_eq "as many workers as before" "$(children | wc -w)" "$(wc -w <<<"$before")"
check_eq "with other pids" "$(comm -12 <(tr ' ' '\n' <<<"$before" | grep . | sort) \
    <(children | tr ' ' '\n' | grep . | sort) | wc -l)" 0
check_has "and a line of it" "$(cat "$RUN/repdnsd.log")" 'worker ended by signal 9'

echo "# a store that is renamed in"
# Several times, since LMDB's lock file remembers the last transaction of the file before.
state_folder "$RUN/other"
conf_of "$RUN/other.conf" "$RUN/other" "$RUN/other-clients"
for n in 1 2 3 4; do
    list_of "$RUN/other-clients" "other $n"
    load_ok "$RUN/other.conf" run --as-of "$AS_OF"
    cp -p "$RUN/other/answers.mdb" "$STATE/answers.new"
    mv "$STATE/answers.new" "$STATE/answers.mdb"
    check_soon "renamed in while serving, $n" 2 says "other $n"
    other_tcp() {
        answers "\"other $n\"" +tcp "$NAME" TXT
    }
    check_soon "the TCP worker too, $n" 2 other_tcp
done
load_ok "$CONF" run --as-of "$AS_OF"
check_soon "the next publish goes into it" 2 says two

echo "# a store that is cut short while it is served"
cp -p "$STATE/answers.mdb" "$RUN/good.mdb"
fresh_log
truncate -s 8192 "$STATE/answers.mdb"
check_soon "cut short: SERVFAIL" 5 has_status SERVFAIL "$NAME" A
check "the server lives" alive repdnsd
cp -p "$RUN/good.mdb" "$STATE/answers.new"
mv "$STATE/answers.new" "$STATE/answers.mdb"
check_soon "restored: it answers" 6 says two

echo "# stop"
exec 3<>"/dev/tcp/127.0.0.1/$SERVER_PORT" # an idle client does not hold it up
from=$(now_ms)
rc=0
stop repdnsd || rc=$?
ms=$(($(now_ms) - from))
exec 3>&-
check_eq "SIGTERM: exit code" "$rc" 0
if [ "$ms" -le 5000 ]; then pass "SIGTERM: ends after $ms ms"; else fail "SIGTERM: $ms ms"; fi

echo "# stores of no use"
# no_use WHAT REGEX LOADER_EXIT: what answers.mdb is in $RUN/no-use.
no_use() {
    local rc=0 got
    rm -f "$STATE/answers.mdb" "$STATE/answers.mdb-lock"
    cp "$RUN/no-use" "$STATE/answers.mdb"
    chown repdns:repdns "$STATE/answers.mdb"
    fresh_log
    start repdnsd "$BIN/repdnsd" -c "$CONF"
    check_soon "$1: SERVFAIL" 2 has_status SERVFAIL "$NAME" A
    check_one_line "$1" "$(trouble)" "$2"
    stop repdnsd || fail "$1: repdnsd ends with exit code 0"
    got=$(load "$CONF" run --as-of "$AS_OF" 2>&1 >/dev/null) || rc=$?
    check_eq "$1: exit code of repdns-load" "$rc" 6
    check_one_line "$1: repdns-load" "$got" 'answers\.mdb'
}
head -c 12288 "$RUN/good.mdb" >"$RUN/no-use" # three pages: less than is in use
no_use "the beginning of a store" 'cut short'
python3 - "$RUN/good.mdb" "$RUN/no-use" <<'EOF_PY'
import sys
data = open(sys.argv[1], "rb").read()
key = b"Mformat"
assert key + b"\0\0\0\3" in data, "the format's record was not found"
open(sys.argv[2], "wb").write(data.replace(key + b"\0\0\0\3", key + b"\0\0\0\x63"))
EOF_PY
no_use "a store of another format" 'format'
seq 10000 >"$RUN/no-use"
no_use "not a store at all" 'no LMDB file'
: >"$RUN/no-use"
no_use "an empty file" 'empty'
rm -f "$STATE/answers.mdb" "$STATE/answers.mdb-lock"
load_ok "$CONF" run --as-of "$AS_OF"

echo "# folders and files that may not be written"
mkdir "$RUN/ro"
mount --bind "$STATE" "$RUN/ro"
mount -o remount,bind,ro "$RUN/ro"
conf_of "$RUN/ro.conf" "$RUN/ro" "$RUN/clients"
rc=0
got=$(load "$RUN/ro.conf" run --as-of "$AS_OF" 2>&1 >/dev/null) || rc=$?
check_eq "read-only file system: exit code of repdns-load" "$rc" 1
check_one_line "read-only file system: repdns-load" "$got" '[Rr]ead-only'
start repdnsd "$BIN/repdnsd" -c "$RUN/ro.conf"
check_soon "read-only file system: repdnsd serves it" 2 says two
stop repdnsd || fail "repdnsd ends with exit code 0"
umount "$RUN/ro"
chmod 0550 "$STATE"
rm -f "$STATE/lock"
rc=0
got=$(load "$CONF" run --as-of "$AS_OF" 2>&1 >/dev/null) || rc=$?
check_eq "folder without write permission: exit code of repdns-load" "$rc" 1
check_one_line "folder without write permission: repdns-load" "$got" 'denied'
chmod 2770 "$STATE"
chmod 0600 "$STATE/answers.mdb-lock"
chown root:root "$STATE/answers.mdb-lock"
fresh_log
start repdnsd "$BIN/repdnsd" -c "$CONF"
check_soon "lock file of somebody else: SERVFAIL" 2 has_status SERVFAIL "$NAME" A
check_one_line "lock file of somebody else" "$(trouble)" 'permission denied'
stop repdnsd || fail "repdnsd ends with exit code 0"
rm "$STATE/answers.mdb-lock"

echo "# configurations"
# bad_conf WHAT REGEX: the file is in $RUN/bad.conf.
bad_conf() {
    local rc=0 got
    got=$("$BIN/repdnsd" -n -c "$RUN/bad.conf" 2>&1) || rc=$?
    check_eq "$1: exit code" "$rc" 2
    check_one_line "$1" "$got" "$2"
}
check "a good one passes -n" "$BIN/repdnsd" -n -c "$CONF"
grep -v '^base' "$CONF" >"$RUN/bad.conf"
bad_conf "no base" 'bad\.conf:[0-9]+: base is missing'
(cat "$CONF" && echo 'colour = "blue"') >"$RUN/bad.conf"
bad_conf "an unknown option" 'bad\.conf:[0-9]+: .*colour'
sed 's/^listen.*/listen = {"300.1.1.1"}/' "$CONF" >"$RUN/bad.conf"
bad_conf "no address" 'bad\.conf:5: listen: .*300\.1\.1\.1'
sed 's/^state_dir.*/state_dir = "here"/' "$CONF" >"$RUN/bad.conf"
bad_conf "no whole path" 'bad\.conf:2: state_dir: '
(cat "$CONF" && echo 'zone "ip" { datasets = {"nolist"} }') >"$RUN/bad.conf"
bad_conf "a list that is not there" 'bad\.conf:[0-9]+: .*nolist'
(cat "$CONF" && echo 'zone "ip" {') >"$RUN/bad.conf"
bad_conf "an open brace" 'bad\.conf:[0-9]+: '
rm "$RUN/bad.conf"
bad_conf "no file" 'bad\.conf: No such file'
# bad_start WHAT REGEX CONF
bad_start() {
    local rc=0 got
    got=$(timeout 30 "$BIN/repdnsd" -c "$3" 2>&1) || rc=$?
    check_eq "$1: exit code" "$rc" 1
    check_one_line "$1" "$got" "$2"
}
sed 's/^user.*/user = "nobodyhere"/' "$CONF" >"$RUN/bad.conf"
bad_start "no such user" 'nobodyhere' "$RUN/bad.conf"
sed 's/^listen.*/listen = {"192.0.2.200@5300"}/' "$CONF" >"$RUN/bad.conf"
bad_start "an address of another machine" '192\.0\.2\.200@5300' "$RUN/bad.conf"
start_server "$CONF"
bad_start "the port is taken" '127\.0\.0\.1@5300 .*another program' "$CONF"
stop repdnsd || fail "repdnsd ends with exit code 0"

echo "# a full disk"
mkdir "$RUN/full"
mount -t tmpfs -o size=96m tmpfs "$RUN/full"
state_folder "$RUN/full/state"
list_of "$RUN/full-clients" "before"
conf_of "$RUN/full.conf" "$RUN/full/state" "$RUN/full-clients"
load_ok "$RUN/full.conf" run --as-of "$AS_OF"
start_server "$RUN/full.conf"
check "a small disk: served" says before
list_of "$RUN/full-clients" "after"
# Scattered, so that they need room.
awk 'BEGIN { srand(1); for (i = 0; i < 200000; i++)
    printf "%d.%d.%d.%d\n", 11 + rand() * 80, rand() * 256, rand() * 256, rand() * 256 }' \
    >>"$RUN/full-clients"
# full_load STAGE [ROOM]: with so many bytes left fails for want of room, with one line, and harms nothing. The list grows by more
# than its brake allows, hence forced.
full_load() {
    local rc=0 got
    dd if=/dev/zero of="$RUN/full/filler" bs=64k 2>/dev/null || true
    truncate -s "-${2:-0}" "$RUN/full/filler"
    got=$(load "$RUN/full.conf" "$1" --force --as-of "$AS_OF" 2>&1 >/dev/null) || rc=$?
    check_eq "full disk: exit code of $1" "$rc" 6
    check_one_line "full disk: $1" "$got" 'full'
    check "full disk: the old store answers after $1" says before
    rm "$RUN/full/filler"
}
full_load run
full_load run 200000 # a write that fits in part
load_ok "$RUN/full.conf" import --as-of "$AS_OF"
full_load publish
load_ok "$RUN/full.conf" run --force --as-of "$AS_OF"
check "room again: the next run publishes" says after
stop repdnsd || fail "repdnsd ends with exit code 0"
e2e_end
