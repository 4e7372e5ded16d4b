#!/bin/bash
# repdns-load against a resolver that fails in every known way: an unknown answer is no evidence, so
# verdicts stay, nobody is newly listed, and the run ends in bounded time with exit code 4.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin resolver 400 "$@"
need /repdns-load /repdns /tests/tools/dnsfixture

LATER=2026-11-23T12:00:00 # everything in the DNS cache is too old by then
MOST_S=40                 # of a run; time-outs of 1 s, two tries
ZONE=$E2E_DIR/mailworld/world.zone

# conf_of FILE STATE_DIR
conf_of() {
    write_conf "$1" "$2"
    cat >>"$1" <<EOF_CONF
log { path = "$RUN/mail.log" }
resolver_timeout = "1s"
min_ttl = "5m"
max_ttl = "1h"
EOF_CONF
}

# run_at STATE AS_OF: sets RC, OUTPUT and TOOK (milliseconds).
run_at() {
    local from
    from=$(now_ms)
    RC=0
    OUTPUT=$(timeout -k 2 100 setpriv --reuid repdns --regid repdns --clear-groups \
        "$BIN/repdns-load" -c "$RUN/$1.conf" --as-of "$2" run 2>&1) || RC=$?
    TOOK=$(($(now_ms) - from))
}

dump() { # STATE
    "$BIN/repdns" -c "$RUN/$1.conf" dump answers
}

# fresh_state STATE: a copy of the first one, which knows nothing of the second day yet.
fresh_state() {
    cp -a "$RUN/first" "$RUN/$1"
    conf_of "$RUN/$1.conf" "$RUN/$1"
}

# misbehave MODE ARGUMENTS...: a fixture that may not be well enough to be asked whether it runs.
misbehave() {
    rm -f "$RUN/port"
    start fixture "$BIN/tests/tools/dnsfixture" -p "$FIXTURE_PORT" -m "$@" -P "$RUN/port" "$ZONE"
    within 5 test -s "$RUN/port" || e2e_stop "$1: dnsfixture starts" "$(cat "$RUN/fixture.log")"
}

# same WHAT DUMP STATE
same() {
    if dump "$3" | diff "$RUN/$2.dump" - >"$RUN/diff"; then
        pass "$1"
    else
        fail "not so: $1" "$(cat "$RUN/diff")"
    fi
}

check_time() { # WHAT
    if [ "$TOOK" -le $((MOST_S * 1000)) ]; then
        pass "$1: bounded time: $((TOOK / 1000)).$((TOOK % 1000 / 100)) s"
    else
        fail "$1: $TOOK ms"
    fi
}

sessions() { # ADDRESS HELO SENDER: the day after the first run
    printf 'Nov 21 10:00:00\t%s\tunknown\t%s\t%s\n' "$@"
}

awk -f "$E2E_DIR/mailworld/maillog.awk" "$E2E_DIR/mailworld/sessions" >"$RUN/mail.log"
state_folder "$RUN/first"
conf_of "$RUN/first.conf" "$RUN/first"
start_fixture "$ZONE"
run_at first "$AS_OF"
check_eq "first run: exit code" "$RC" 0
check_has "first run: it lists" "$OUTPUT" ' [1-9][0-9]* listed'
dump first >"$RUN/first.dump"
check_has "first run: the pair of a forger" "$(cat "$RUN/first.dump")" 'bank\.example'
check_has "first run: a domain that does not exist" "$(cat "$RUN/first.dump")" 'gone\.example'
stop fixture || true

# New clients and domains meanwhile, whom a lie of the resolver would list.
{
    sessions 203.0.113.10 ten.isp.example news@bank.example
    sessions 203.0.113.10 ten.isp.example a@absent.example
    sessions 203.0.113.7 seven.isp.example a@ngo.example
    sessions 2001:db8:c1ea::9 mail.clean.example a@lost.example
} | awk -f "$E2E_DIR/mailworld/maillog.awk" >>"$RUN/mail.log"

# What an honest resolver gives.
fresh_state honest
start_fixture "$ZONE"
run_at honest "$LATER"
check_eq "honest: exit code" "$RC" 0
check_has "honest: newly listed" "$OUTPUT" ' [1-9][0-9]* new;'
dump honest >"$RUN/honest.dump"
check_has "honest: the new domain that does not exist" "$(cat "$RUN/honest.dump")" \
    'absent\.example'
stop fixture || true

# keeps STATE: what a run without a usable resolver must have left.
keeps() {
    check_eq "$1: exit code" "$RC" 4
    check_time "$1"
    check_has "$1: nobody newly listed" "$OUTPUT" ' 0 new;'
    check_one_line "$1: says why" "$(grep -v '^repdns-load run: ' <<<"$OUTPUT")" \
        'resolver 127\.0\.0\.1.*nothing was concluded'
    same "$1: verdicts are what they were" first "$1"
}

for mode in servfail silent rewrite wrongid liar garbage; do
    fresh_state "$mode"
    misbehave "$mode"
    run_at "$mode" "$LATER"
    keeps "$mode"
    stop fixture || true
done

fresh_state absent
run_at absent "$LATER"
keeps absent

for mode in truncate slow; do
    fresh_state "$mode"
    misbehave "$mode"
    run_at "$mode" "$LATER"
    check_eq "$mode: exit code" "$RC" 0
    check_time "$mode"
    same "$mode: the same as of an honest resolver" honest "$mode"
    stop fixture || true
done

# It fails while the run is under way. An answer takes 0.6 s: the first canary is answered by then, a
# round of questions is on its way, and at least the last canary is still to come.
for mode in silent rewrite; do
    fresh_state "midway-$mode"
    misbehave "$mode" -d 600
    kill -USR1 "${STARTED[fixture]}" # off
    (sleep 0.9 && kill -USR1 "${STARTED[fixture]}") &
    toggler=$!
    run_at "midway-$mode" "$LATER"
    wait "$toggler" || true
    keeps "midway-$mode"
    stop fixture || true
done

# And when it is well again, all is as if nothing had been.
start_fixture "$ZONE"
run_at liar "$LATER"
check_eq "well again: exit code" "$RC" 0
same "well again: the same as without the failure" honest liar
e2e_end
