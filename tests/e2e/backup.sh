#!/bin/bash
# repdns-load backup and restore: copies of history and lists while runs go on, and back again under a
# server that answers all the time.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin backup 180 "$@"
need /repdns /repdns-load /repdnsd flock

CONF=$RUN/repdns.conf STATE=$RUN/state COPY=$RUN/copy
awk -f "$E2E_DIR/mailworld/maillog.awk" "$E2E_DIR/mailworld/sessions" >"$RUN/mail.log"
state_folder "$STATE"
state_folder "$COPY"
write_conf "$CONF" "$STATE"
cat >>"$CONF" <<EOF_CONF
log { path = "$RUN/mail.log" }
list "mine" { type = ip4set  files = {"$RUN/mine"} }
EOF_CONF
echo '198.51.100.77 :127.0.0.2:by hand' >"$RUN/mine"

run() { # ARGUMENTS...: sets RC and OUTPUT
    RC=0
    OUTPUT=$(load "$CONF" "$@" 2>&1) || RC=$?
}

dump() { # WHAT
    "$BIN/repdns" -c "$CONF" dump "$1"
}

start_fixture "$E2E_DIR/mailworld/world.zone"
run backup "$COPY"
check_eq "nothing to copy yet: exit code" "$RC" 1
run --as-of "$AS_OF" run
check_eq "a run: exit code" "$RC" 0
run --as-of "$AS_OF" list add mine 198.51.100.78 --note kept
check_eq "an entry by hand: exit code" "$RC" 0
start_server "$CONF"
for what in answers history lists; do
    dump "$what" >"$RUN/$what.before"
done

echo "# a copy while a run is active"
exec 9>>"$STATE/lock"
flock -n 9 || fail "the test's own lock"
run backup "$COPY"
check_eq "exit code" "$RC" 0
check_has "it says what it made" "$OUTPUT" "history\.mdb: [0-9]+ bytes, a copy of $STATE/history\.mdb"
check_eq "what is there" "$(cd "$COPY" && echo *)" "history.mdb lists.mdb"
check_eq "nobody else reads it" "$(stat -c %a "$COPY/history.mdb")" 640
run restore "$COPY"
check_eq "a restore meanwhile is refused: exit code" "$RC" 3
exec 9>&-
run backup "$COPY"
check_eq "over an earlier copy: exit code" "$RC" 0
sed "s|^state_dir.*|state_dir = \"$COPY\"|" "$CONF" >"$RUN/copy.conf"
for what in history lists; do
    "$BIN/repdns" -c "$RUN/copy.conf" dump "$what" >"$RUN/$what.copy"
    check "the copy of $what is the same" cmp "$RUN/$what.before" "$RUN/$what.copy"
done

echo "# writers meanwhile"
for i in 1 2 3 4 5 6 7 8; do
    load "$CONF" --as-of "$AS_OF" list add mine "198.51.100.$((100 + i))" >/dev/null 2>&1 || true
done &
writer=$!
for _ in 1 2 3 4 5 6; do
    run backup "$COPY"
    [ "$RC" = 0 ] || fail "a copy beside writers" "$OUTPUT"
    "$BIN/repdns" -c "$RUN/copy.conf" dump lists >/dev/null || fail "a whole copy beside writers"
done
wait "$writer" || true
pass "copies beside writers are whole"
rm -f "$COPY"/*
mkdir "$COPY/now"
chown repdns "$COPY/now"
run backup "$COPY/now"
dump lists >"$RUN/lists.now"

echo "# back again"
(while :; do ready || echo lost; sleep 0.01; done >"$RUN/lost") &
asker=$!
run --as-of "$AS_OF" list add mine 198.51.100.79
check_eq "a change: exit code" "$RC" 0
check "it is served" answers 127.0.0.2 79.100.51.198.ip.rep.example A
mkdir "$COPY/bad"
chown repdns "$COPY/bad"
head -c 9000 "$COPY/now/history.mdb" >"$COPY/bad/history.mdb"
cp "$COPY/now/lists.mdb" "$COPY/bad/"
chmod 644 "$COPY"/bad/*
chown repdns "$COPY"/bad/*
dump lists >"$RUN/lists.changed"
run restore "$COPY/bad"
check_eq "a copy that is cut short is refused: exit code" "$RC" 6
dump lists >"$RUN/lists.after"
check "and nothing is changed" cmp "$RUN/lists.changed" "$RUN/lists.after"
check_eq "nothing is left of it" "$(find "$STATE" -name '*.restored')" ""
run restore "$COPY/now"
check_eq "restore: exit code" "$RC" 0
dump lists >"$RUN/lists.after"
check "lists are what they were" cmp "$RUN/lists.now" "$RUN/lists.after"
check "a note too" grep -q kept <<<"$("$BIN/repdns-load" -c "$CONF" list show mine)"
run --as-of "$AS_OF" run
check_eq "a run after it: exit code" "$RC" 0
check "what was added since is gone from the next answer" has_status NXDOMAIN \
    79.100.51.198.ip.rep.example A
check "what was there is served" answers 127.0.0.2 78.100.51.198.ip.rep.example A
kill "$asker"
wait "$asker" 2>/dev/null || true
check_eq "no answer was lost" "$(cat "$RUN/lost")" ""
mv "$STATE/history.mdb" "$RUN/gone"
run restore "$COPY/now"
check_eq "a store that was lost comes back: exit code" "$RC" 0
dump history >"$RUN/history.after"
check "it is as it was" cmp "$RUN/history.before" "$RUN/history.after"
e2e_end
