#!/bin/bash
# repdns-load is killed at a hundred moments of its run, while repdnsd serves what it publishes: the
# stores stay whole, answers are never mixed, and in the end nothing was lost or counted twice.
# KILLS=N changes the number.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin crash 600 "$@"
need /repdnsd /repdns-load /repdns /tests/tools/dnsfixture

KILLS=${KILLS:-100}
NAME=7.113.0.203.ip.rep.example

# conf_of FILE STATE_DIR
conf_of() {
    write_conf "$1" "$2"
    cat >>"$1" <<EOF_CONF
log { path = "$RUN/mail.log" }
list "clients" { type = ip4set  files = {"$RUN/clients"} }
EOF_CONF
}

# list_of GENERATION: every value carries it, so that a publish changes every block.
list_of() {
    {
        echo ":127.1.$(($1 / 256)).$(($1 % 256)):generation $1"
        cat "$RUN/addresses"
    } >"$RUN/clients.new"
    mv "$RUN/clients.new" "$RUN/clients"
}

# chunk N: the Nth part of the log; 0 is the first.
chunk() {
    awk -v from=$(($1 * PART)) -v to=$((($1 + 1) * PART)) 'NR > from && NR <= to' "$RUN/all.log"
}

loader() { # CONF: as the shell's own child, so that a kill hits the loader itself
    exec setpriv --reuid repdns --regid repdns --clear-groups \
        "$BIN/repdns-load" -c "$1" --as-of "$AS_OF" run
}

# load_ms CONF: an undisturbed run; sets RC and TOOK.
load_ms() {
    local from
    from=$(now_ms)
    RC=0
    load "$1" --as-of "$AS_OF" run >"$RUN/load.log" 2>&1 || RC=$?
    TOOK=$(($(now_ms) - from))
}

dump() {
    "$BIN/repdns" -c "$1" dump answers
}

# A few thousand lines of 150 clients that send for 60 domains, and their DNS.
awk 'BEGIN {
    for (i = 0; i < 700; i++) {
        client = (i * 37) % 150
        stamp = sprintf("Nov %2d %02d:%02d:00", 9 + i / 70, (i % 70) / 5 + 6, i % 5 * 12)
        name = client % 3 == 0 ? "unknown" : "m" client ".isp.example"
        helo = client % 3 == 0 ? "pc" client : name
        printf "%s\t198.51.100.%d\t%s\t%s\tnews@d%d.example\n", stamp, client + 50, name, helo,
            (client + i % 4) % 60
    }
}' >"$RUN/sessions"
awk -f "$E2E_DIR/mailworld/maillog.awk" "$RUN/sessions" >"$RUN/all.log"
awk 'BEGIN {
    for (i = 0; i < 150; i++)
        if (i % 3 != 0) {
            print i + 50 ".100.51.198.in-addr.arpa PTR m" i ".isp.example"
            print "m" i ".isp.example A 198.51.100." i + 50
        }
    for (i = 0; i < 60; i++) {
        if (i % 5 == 0)
            continue
        print "d" i ".example MX 10 m1.isp.example"
        print "d" i ".example TXT \"v=spf1 ip4:198.51.100." i + 50 "/30 -all\""
    }
}' >"$RUN/crash.zone"
{
    echo 203.0.113.7
    awk 'BEGIN { srand(1); for (i = 0; i < 20000; i++)
        printf "%d.%d.%d.%d\n", 11 + rand() * 80, rand() * 256, rand() * 256, rand() * 256 }'
} >"$RUN/addresses"
lines=$(wc -l <"$RUN/all.log")
PART=$((lines / (KILLS + 2) + 1))
echo "# $lines lines of log in parts of $PART, $(wc -l <"$RUN/addresses") addresses"

state_folder "$RUN/state"
state_folder "$RUN/calm"
conf_of "$RUN/repdns.conf" "$RUN/state"
conf_of "$RUN/calm.conf" "$RUN/calm"
start_fixture -d 2 "$RUN/crash.zone"

# How long a run takes: the second, for the first makes the stores.
list_of 0
chunk 0 >"$RUN/mail.log"
load_ms "$RUN/repdns.conf"
check_eq "first run: exit code" "$RC" 0
[ "$RC" = 0 ] || e2e_stop "something to disturb" "$(cat "$RUN/load.log")"
list_of 1
chunk 1 >>"$RUN/mail.log"
load_ms "$RUN/repdns.conf"
check_eq "second run: exit code" "$RC" 0
echo "# a run takes $TOOK ms"

start_server "$RUN/repdns.conf"
start watch python3 "$E2E_DIR/mailworld/watch.py" "$SERVER_PORT" "$NAME"
hit=0 ended=0 damaged=0
for ((i = 0; i < KILLS; i++)); do
    list_of $((i + 2))
    chunk $((i + 2)) >>"$RUN/mail.log"
    loader "$RUN/repdns.conf" >"$RUN/load.log" 2>&1 &
    pid=$!
    # Every fraction of the run once, in an order that mixes early and late ones.
    moment=$((TOOK * (i * 37 % KILLS) / KILLS))
    sleep "$((moment / 1000)).$(printf %03d $((moment % 1000)))"
    kill -KILL "$pid" 2>/dev/null || true
    rc=0
    wait "$pid" 2>/dev/null || rc=$?
    case $rc in
    137) hit=$((hit + 1)) ;;
    0) ended=$((ended + 1)) ;;
    *) fail "run $i ended by itself with exit code $rc" "$(cat "$RUN/load.log")" ;;
    esac
    if ! dump "$RUN/repdns.conf" >/dev/null 2>"$RUN/dump.err" ||
        ! load "$RUN/repdns.conf" status >/dev/null 2>>"$RUN/dump.err"; then
        damaged=$((damaged + 1))
        fail "a store does not open after kill $i, at $moment ms" "$(cat "$RUN/dump.err")"
    fi
done
check_eq "stores that do not open after $hit kills ($ended runs were done before)" "$damaged" 0
if [ "$hit" -ge $((KILLS / 2)) ]; then
    pass "at least half of the kills hit a run"
else
    fail "only $hit of $KILLS kills hit a run"
fi
check "repdnsd lives" alive repdnsd

# One undisturbed run, against a folder that never was disturbed.
list_of $((KILLS + 2))
cat "$RUN/all.log" >"$RUN/calm.log"
chunk $((KILLS + 2)) >>"$RUN/mail.log"
check "the log is complete" cmp "$RUN/mail.log" "$RUN/calm.log"
load_ms "$RUN/repdns.conf"
check_eq "last run: exit code" "$RC" 0
is_last() {
    answers "\"generation $((KILLS + 2))\"" "$NAME" TXT
}
check "repdnsd answers from the last run" within 2 is_last
rc=0
stop watch || rc=$?
check_eq "client: $(tail -n 1 "$RUN/watch.log")" "$rc" 0
load_ms "$RUN/calm.conf"
check_eq "undisturbed folder: exit code" "$RC" 0
dump "$RUN/repdns.conf" >"$RUN/disturbed.dump"
dump "$RUN/calm.conf" >"$RUN/calm.dump"
check_has "the dump has entries" "$(head -n 5 "$RUN/calm.dump")" '.'
if diff "$RUN/calm.dump" "$RUN/disturbed.dump" >"$RUN/diff"; then
    pass "answers are those of a folder that was never disturbed ($(wc -l <"$RUN/calm.dump") lines)"
else
    fail "answers differ from those of a folder that was never disturbed" "$(cat "$RUN/diff")"
fi
rc=0
stop repdnsd || rc=$?
check_eq "repdnsd: exit code" "$rc" 0
e2e_end
