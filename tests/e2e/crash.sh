#!/bin/bash
# repdns-load is killed at a hundred moments of its run, while repdnsd serves what it publishes: the
# stores stay whole, answers are never mixed, and in the end nothing was lost or counted twice.
# KILLS=N changes the number.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin crash 500 "$@"
need /repdnsd /repdns-load /repdns /tests/tools/dnsfixture

KILLS=${KILLS:-100}
TIMED=10 # kills between two runs that are left alone, to see how long one takes
NAME=7.113.0.203.ip.rep.example

# conf_of FILE STATE_DIR
conf_of() {
    write_conf "$1" "$2"
    sed -i 's/^policy {/& max_new_percent = 100/' "$1" # a small world, in which a share is soon new
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

# The next generation: of the list, and a part more of the log.
next_step() {
    STEP=$((STEP + 1))
    list_of "$STEP"
    head -n $((STEP * PART)) "$RUN/all.log" | tail -n +$(((STEP - 1) * PART + 1)) >>"$RUN/mail.log"
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

# What is served; serials and times of publishing count the runs, so they are left out.
dump() { # CONF
    "$BIN/repdns" -c "$1" dump answers >"$RUN/dump" &&
        sed 's/ serial [0-9]*//; s/ built [^ ]*//; s/ publishes [0-9]*//' "$RUN/dump"
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
TRIES=$((KILLS * 3 / 2)) # some runs are done before they are killed
PART=$((lines / (TRIES + TRIES / TIMED + 3) + 1)) STEP=0
echo "# $lines lines of log in parts of $PART, $(wc -l <"$RUN/addresses") addresses"

state_folder "$RUN/state"
state_folder "$RUN/calm"
conf_of "$RUN/repdns.conf" "$RUN/state"
conf_of "$RUN/calm.conf" "$RUN/calm"
start_fixture -d 2 "$RUN/crash.zone"

next_step
load_ms "$RUN/repdns.conf"
check_eq "first run: exit code" "$RC" 0
[ "$RC" = 0 ] || e2e_stop "something to disturb" "$(cat "$RUN/load.log")"
first_ms=$TOOK
start_server "$RUN/repdns.conf"
start watch python3 "$E2E_DIR/mailworld/watch.py" "$SERVER_PORT" "$NAME"

hit=0 ended=0 damaged=0 refused=0
for ((i = 0; i < TRIES && hit < KILLS; i++)); do
    if [ $((i % TIMED)) = 0 ]; then
        next_step
        load_ms "$RUN/repdns.conf"
        [ "$RC" = 0 ] || refused=$((refused + 1))
    fi
    next_step
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
    0) ended=$((ended + 1)) TOOK=$((TOOK * 9 / 10)) ;; # it takes less time than was measured
    *) fail "run $i ended by itself with exit code $rc" "$(cat "$RUN/load.log")" ;;
    esac
    if ! dump "$RUN/repdns.conf" >/dev/null 2>"$RUN/dump.err" ||
        ! load "$RUN/repdns.conf" status >/dev/null 2>>"$RUN/dump.err"; then
        damaged=$((damaged + 1))
        fail "a store does not open after kill $i, at $moment ms" "$(cat "$RUN/dump.err")"
    fi
done
echo "# the first run took $first_ms ms, the last that was left alone $TOOK ms"
check_eq "runs that were left alone and failed" "$refused" 0
check_eq "stores that do not open after $hit kills ($ended runs were done before)" "$damaged" 0
check_eq "kills that hit a run at work" "$hit" "$KILLS"
check "repdnsd lives" alive repdnsd

# One undisturbed run, against a folder that never was disturbed.
next_step
tail -n +$((STEP * PART + 1)) "$RUN/all.log" >>"$RUN/mail.log"
check "the log is complete" cmp "$RUN/mail.log" "$RUN/all.log"
load_ms "$RUN/repdns.conf"
check_eq "last run: exit code" "$RC" 0
is_last() {
    answers "\"generation $STEP\"" "$NAME" TXT
}
check "repdnsd answers from the last run" within 5 is_last
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
# What was seen. Which DNS questions were asked depends on what was known when, so not those.
"$BIN/repdns" -c "$RUN/repdns.conf" dump history | grep -v '^dns ' >"$RUN/disturbed.history"
"$BIN/repdns" -c "$RUN/calm.conf" dump history | grep -v '^dns ' >"$RUN/calm.history"
if diff "$RUN/calm.history" "$RUN/disturbed.history" >"$RUN/diff"; then
    pass "nothing is lost or counted twice ($(wc -l <"$RUN/calm.history") lines of history)"
else
    fail "history differs: something is lost or counted twice" "$(cat "$RUN/diff")"
fi
rc=0
stop repdnsd || rc=$?
check_eq "repdnsd: exit code" "$rc" 0
e2e_end
