#!/bin/bash
# A day of operation, compressed: the loader runs every five minutes of it, logs grow and are rotated,
# lists and the operator's words change, the server is told to read its configuration again, killed,
# stopped and started, and at noon programs of another folder take over with a history of the format
# before. A client asks steadily all day. Beside it lives a twin that has the same mail and lists but
# one log that only grows, programs that stay, and no server: after each run both publish the same.
# MOST_MS=N changes how long a restart may leave queries without an answer.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin day 580 "$@"
need /repdnsd /repdns-load /repdns /tests/tools/dnsfixture mdb_dump mdb_load gzip split

RUNS=288 EVERY_S=300 RATE=400
# Generous, as other tests may run; e2e/restart.sh measures.
MOST_MS=${MOST_MS:-5000}
# What a client sent just before a restart may still be waiting in a socket that goes.
MARGIN_MS=1000
DAY_S=$(date -u -d 2026-11-20 +%s)
CONF=$RUN/repdns.conf TWIN=$RUN/twin.conf
LOG=$RUN/log/mail.log TWIN_LOG=$RUN/twin/mail.log
DUMPS=$RUN/dumps

# Sessions of the day, three or four in each interval: honest senders, two that forge, one more of them
# every hour, domains that are not there, and refused mail. Stamps are before the run that reads them.
sessions() {
    awk -v runs="$RUNS" -v every="$EVERY_S" '
        function say(who, name, helo, from, more) {
            t += 20
            printf "Nov 20 %02d:%02d:%02d\t%s\t%s\t%s\t%s%s\n", int(t / 3600), int(t / 60) % 60,
                t % 60, who, name, helo, from, more
        }
        BEGIN {
            for (n = 0; n < runs; n++) {
                t = n * every
                say("198.51.100.10", "mail.good.example", "mail.good.example", "anna@good.example")
                if (n % 3 == 0)
                    say("198.51.100.20", "mail.bank.example", "mail.bank.example", "a@bank.example")
                if (n % 5 == 0)
                    say("2001:db8:600d::9", "mail.good.example", "mail.good.example", "b@good.example")
                if (n % 6 == 1)
                    say("203.0.113.9", "unknown", "laptop", "boss@" (n % 4 ? "good" : "bank") ".example")
                if (n % 7 == 1)
                    say("2001:db8:bad::9", "unknown", "192.0.2.77", "boss@good.example")
                if (n % 12 < 4)
                    say("203.0.113." 100 + int(n / 12), "unknown", "laptop",
                        "x@" (n % 2 ? "good" : "bank") ".example")
                if (n % 9 == 4)
                    say("198.51.100.99", "relay.ngo.example", "relay.ngo.example",
                        n % 2 ? "" : "i@" (n < 150 ? "gone" : "nomail") ".example")
                if (n % 4 == 2)
                    say("203.0.113.10", "unknown", "refused.example", "a@refused.example", "\treject")
            }
        }' | awk -f "$E2E_DIR/mailworld/maillog.awk"
}

# A part of the day's log to the end of both. Every fourth part ends in the middle of a line
# until after the run, but not before a copy that would be cut there.
REST=/dev/null
grow() {
    local part new
    part=$RUN/parts/part.$(printf %03d $((N - 1))) new=$RUN/parts/new
    cat "$REST" "$part" >"$new"
    REST=/dev/null
    if [ $((N % 4)) = 0 ]; then
        REST=$RUN/parts/rest
        tail -c 40 "$new" >"$REST"
        truncate -s -40 "$new"
    fi
    cat "$new" >>"$LOG"
    cat "$new" >>"$TWIN_LOG"
}

# As logrotate does with "compress" and "delaycompress": the second is compressed from then on.
KEPT=0
make_room() {
    [ -e "$LOG.1" ] || return 0
    KEPT=$((KEPT + 1))
    gzip "$LOG.1"
    mv "$LOG.1.gz" "$LOG.$((KEPT + 1)).gz"
}
# The mail server goes on in the old file until it is told, so a line may end there.
rotate_rename() {
    make_room
    mv "$LOG" "$LOG.1"
    if [ "$REST" != /dev/null ]; then
        cat "$REST" >>"$LOG.1"
        cat "$REST" >>"$TWIN_LOG"
        REST=/dev/null
    fi
    : >"$LOG"
}
rotate_copy() {
    make_room
    cp "$LOG" "$LOG.1"
    : >"$LOG"
}

# Words and edits are of both; the server has those of the one in the next answer.
both() {
    load "$CONF" -q --as-of "$NOW_S" "$@" >>"$RUN/load.log" 2>&1 &&
        load "$TWIN" -q --as-of "$NOW_S" "$@" >>"$RUN/twin.log" 2>&1
}
is_unlisted() { # NAME
    status "$1" A | grep -qE 'NXDOMAIN|NOERROR' && [ -z "$(ask "$1" A)" ]
}
said() { # ADDRESS WANTED ARGUMENTS...
    local name
    name=$(reverse "$1").ip.rep.example
    both "${@:3}" || fail "run $N: ${*:3}"
    if [ "$2" = - ]; then
        within 30 is_unlisted "$name" || fail "run $N: ${*:3}: still listed"
    else
        within 30 answers "$2" "$name" A || fail "run $N: ${*:3}: not listed"
    fi
}
replace_lists() {
    { echo "203.0.113.200"; seq -f "198.51.100.%g" 100 $((100 + N / 8)); } \
        >"$RUN/lists/.clients"
    printf '.bulk.example\nspam%d.example\n' "$N" >"$RUN/lists/.names"
    mv "$RUN/lists/.clients" "$RUN/lists/clients"
    mv "$RUN/lists/.names" "$RUN/lists/names"
}
list_add() { said "203.0.113.$((201 + N / 24))" 127.0.0.2 list add clients "203.0.113.$((201 + N / 24))"; }
list_del() { said "203.0.113.$((201 + N / 24))" - list del clients "203.0.113.$((201 + N / 24))"; }
block() { said "198.51.100.$((50 + N / 48))" 127.0.0.2 block "198.51.100.$((50 + N / 48))" --note "run $N"; }
# Those that are listed for what they did.
allow() { said 203.0.113.101 - allow 203.0.113.101 --note "a partner"; }
unlist() { said 203.0.113.103 - unlist 203.0.113.103 --note "mended"; }

# A window is what a restart takes: from before it until the server answers again.
window() { # NAME COMMAND...
    local from
    from=$(now_ms)
    "${@:2}"
    within 30 ready || e2e_stop "run $N: $1: the server answers again" "$(tail -n 5 "$RUN/repdnsd.log")"
    echo "$from $(now_ms) $1" >>"$RUN/windows"
}
sighup() {
    local text
    text=$(hup)
    grep -q 'read again' <<<"$text" || fail "run $N: SIGHUP" "$text"
}
children() {
    cat "/proc/${STARTED[repdnsd]}/task/${STARTED[repdnsd]}/children"
}
has_children() { # COUNT WITHOUT
    [ "$(children | wc -w)" = "$1" ] && ! children | grep -qw "$2"
}
kill_worker() { # the first child is a UDP worker, the last the TCP worker
    local pids
    read -ra pids <<<"$(children)"
    kill -KILL "${pids[$1]}"
    within 30 has_children "${#pids[@]}" "${pids[$1]}" || fail "run $N: another worker takes its place"
}
stop_server() { stop repdnsd || fail "run $N: repdnsd ends with exit code 0"; }
stop_start() {
    stop_server
    start repdnsd "$BIN/repdnsd" -c "$CONF"
}
kill_all() {
    kill -KILL "${STARTED[repdnsd]}"
    wait "${STARTED[repdnsd]}" 2>/dev/null || true
    start repdnsd "$BIN/repdnsd" -c "$CONF"
}

# What a world holds, but for what counts or dates the publishes, and answers of DNS.
dump_answers() { "$BIN/repdns" -c "$1" dump answers | sed 's/ serial [0-9]*//; s/ publishes [0-9]*//'; }
dump_history() { "$BIN/repdns" -c "$1" dump history | grep -v '^dns '; }
# same DUMP WHAT: that both have the same; the difference is shown.
same() {
    local difference
    if ! "$1" "$CONF" >"$DUMPS/$1" || ! "$1" "$TWIN" >"$DUMPS/twin-$1"; then fail "run $N: $1"; fi
    difference=$(diff "$DUMPS/$1" "$DUMPS/twin-$1" || true)
    [ -z "$difference" ] || fail "run $N: $2 as the twin's" "$difference"
}

# downgrade CONF: its history as the version before had it; of what is shown nothing is lost.
downgrade() {
    local store
    store=$(sed -n 's/^state_dir = "\(.*\)"/\1/p' "$1")/history.mdb
    mdb_dump -n "$store" | python3 "$E2E_DIR/mailworld/oldhistory.py" >"$RUN/old-history"
    rm "$store"
    mdb_load -n -f "$RUN/old-history" "$store" 2>"$RUN/mdb_load.log" ||
        fail "noon: a history of the format before" "$(cat "$RUN/mdb_load.log")"
    chown repdns:repdns "$store"
    chmod 660 "$store"
}
# Counts of sender domains are made from pairs, which an unlisting dropped.
without_counts() { dump_history "$CONF" | sed 's/^\(domain [^ ]*\) .*/\1/'; }
other_programs() {
    stop_server
    BIN=$RUN/new
    start repdnsd "$BIN/repdnsd" -c "$CONF"
}
old_history() {
    check_eq "noon: the server is the other folder's" "$(readlink "/proc/${STARTED[repdnsd]}/exe")" \
        "$RUN/new/repdnsd"
    without_counts >"$RUN/history-before"
    dump_answers "$CONF" >"$RUN/answers-before"
    downgrade "$CONF"
    downgrade "$TWIN"
    check_has "noon: the history is of the format before" \
        "$("$BIN/repdns" -c "$CONF" dump history 2>&1 || true)" 'repdns-load observe'
    both publish || fail "noon: the first publish afterwards"
    check_eq "noon: the history has what it had" \
        "$(without_counts | diff "$RUN/history-before" - || true)" ""
    check_eq "noon: the same is listed" \
        "$(dump_answers "$CONF" | diff "$RUN/answers-before" - || true)" ""
}

# What happens in the day: before a run, after one, or, where queries may be lost, as a restart after
# one; when (the run's number modulo the first number is the second); its name; a command.
EVENTS="before 24 20 log-renamed rotate_rename
before 24 9 log-copied rotate_copy
before 24 10 lists-replaced replace_lists
after 24 5 list-add list_add
after 24 17 list-del list_del
after 48 8 block block
after 288 120 allow allow
after 288 121 unlist unlist
after 16 3 SIGHUP sighup
restart 72 31 UDP-worker-killed kill_worker 0
restart 72 67 TCP-worker-killed kill_worker -1
restart 144 100 all-killed kill_all
restart 96 40 stop-and-start stop_start
restart 288 144 upgrade other_programs
after 288 145 old-history old_history"
declare -A HAPPENED=()
happen() { # WHEN
    local when period at what command
    while read -r when period at what command; do
        [ "$when $((N % period))" = "$1 $at" ] || continue
        HAPPENED[$what]=$((${HAPPENED[$what]:-0} + 1))
        # shellcheck disable=SC2086 # a command's words
        case $when in
        restart) window "$what" $command ;;
        *) $command ;;
        esac
    done <<<"$EVENTS"
}

# Tells the client to end, and accounts for each query without an answer: in a restart or not. A table
# of what happened, how many queries were lost by it, and for how long at most.
account() {
    local asked lost wrong worst
    kill -TERM "${STARTED[client]}"
    wait "${STARTED[client]}" || fail "the client ends with exit code 0" "$(cat "$RUN/client.log")"
    unset "STARTED[client]"
    read -r asked lost wrong worst <"$RUN/client.log"
    while read -r _ _ _ what _; do echo "$what ${HAPPENED[$what]:-0}"; done <<<"$EVENTS" >"$RUN/done"
    awk -v margin="$MARGIN_MS" -v step=$((1000 / RATE + 1)) '
        FILENAME ~ /done$/ { names[++n] = $1; times[$1] = $2; next }
        FILENAME ~ /windows$/ {
            from[++windows] = $1 - margin
            to[windows] = $2 + margin
            what[windows] = $3
            next
        }
        {
            for (w = 1; w <= windows && !($1 >= from[w] && $1 <= to[w]); w++)
                ;
            if (w > windows) {
                outside++
                next
            }
            if (!lost[w]++)
                first[w] = $1
            gap = $1 - first[w] + step
            sum[what[w]]++
            if (gap > longest[what[w]])
                longest[what[w]] = gap
        }
        END {
            printf "%-20s %5s %12s %14s\n", "what", "times", "queries lost", "for at most ms"
            for (i = 1; i <= n; i++)
                printf "%-20s %5d %12d %14d\n", names[i], times[names[i]], sum[names[i]], longest[names[i]]
            printf "%-20s %5s %12d %14s\n", "at other times", "", outside, "-"
        }' "$RUN/done" "$RUN/windows" "$RUN/lost" >"$RUN/table"
    cat "$RUN/table"
    check_eq "everything happened" "$(awk '$2 == 0' "$RUN/done")" ""
    check_eq "$asked queries, $lost lost, all in restarts" "$(awk '/^at other/ { print $4 }' "$RUN/table")" 0
    check "no restart lost queries for more than $MOST_MS ms" \
        awk -v most="$MOST_MS" 'NR > 1 && $NF + 0 > most { bad = 1 } END { exit bad }' "$RUN/table"
    check_eq "$wrong answers were wrong; the slowest took $worst ms" "$(tail -n +2 "$RUN/client.log")" ""
}

run_both() {
    local rc=0 twin_rc=0 pid
    load "$TWIN" -q --as-of "$NOW_S" run >>"$RUN/twin.log" 2>&1 &
    pid=$!
    load "$CONF" --as-of "$NOW_S" run >>"$RUN/load.log" 2>&1 || rc=$?
    wait "$pid" || twin_rc=$?
    [ "$rc$twin_rc" = 00 ] || e2e_stop "run $N: exit code $rc, the twin's $twin_rc" \
        "$(tail -n 3 "$RUN/load.log" "$RUN/twin.log")"
    same dump_answers "what is published"
}

# Those that a score lists and nobody allows, as the twin has them: asked of the server, each, and of
# IPv6's networks the first address and the last.
on_the_wire() {
    local got wanted
    "$BIN/repdns" -c "$TWIN" dump lists | awk '$1 == "word" && $2 == "allow" { print $3 }' >"$RUN/allowed"
    python3 - "$DUMPS/twin-dump_answers" "$RUN/allowed" >"$RUN/listed" <<'EOF_PY'
import ipaddress, sys
allowed = open(sys.argv[2]).read().split()
for line in open(sys.argv[1]):
    words = line.split()
    if words[:2] == ["address", "judged.ip"] and "score" in words[3].split(","):
        ends = [ipaddress.ip_address(a) for a in words[2].split("-")]
        of_each = range(int(ends[-1]) - int(ends[0]) + 1)
        for i in of_each if ends[0].version == 4 else {0, of_each[-1]}:
            if str(ends[0] + i) not in allowed:
                print((ends[0] + i).reverse_pointer.rsplit(".", 2)[0] + ".ip.rep.example A")
EOF_PY
    wanted=$(wc -l <"$RUN/listed")
    got=$(ask -f "$RUN/listed" | grep -c '^127\.0\.0\.3$' || true)
    WIRE="$WIRE $got/$wanted"
    [ "$got" = "$wanted" ] || fail "run $N: listed on the wire: $got of $wanted"
}

mkdir -p "$RUN"/{log,twin,lists,parts,old,new} "$DUMPS"
state_folder "$RUN/state"
state_folder "$RUN/twin-state"
for world in "$CONF $RUN/state $LOG*" "$TWIN $RUN/twin-state $TWIN_LOG"; do
    read -r conf state log <<<"$world"
    write_conf "$conf" "$state"
    cat >>"$conf" <<EOF_MORE
udp_workers = 2
log { path = "$log" }
list "clients" { type = ip4set  files = {"$RUN/lists/clients"} }
list "names" { type = dnset  files = {"$RUN/lists/names"} }
zone "ip" { datasets = {"judged.ip", "clients"} }
zone "dom" { datasets = {"judged.dom", "names"} }
EOF_MORE
done
sessions >"$RUN/whole"
split -d -a 3 -n "l/$RUNS" "$RUN/whole" "$RUN/parts/part."
cp "$BIN"/{repdnsd,repdns-load,repdns} "$RUN/old"
cp "$BIN"/{repdnsd,repdns-load,repdns} "$RUN/new"
start_fixture "$E2E_DIR/mailworld/world.zone"
BIN=$RUN/old WIRE=
touch "$LOG" "$TWIN_LOG" "$RUN/windows"
N=0 NOW_S=$DAY_S
replace_lists
run_both
start_server "$CONF"
start client python3 "$E2E_DIR/day_client.py" "$SERVER_PORT" "$RATE" "$RUN/lost" \
    2.0.0.127.ip.rep.example=127.0.0.2 1.0.0.127.ip.rep.example=- \
    200.113.0.203.ip.rep.example=127.0.0.2 10.100.51.198.ip.rep.example=- \
    x.bulk.example.dom.rep.example=127.0.1.2 good.example.dom.rep.example=-

for N in $(seq "$RUNS"); do
    NOW_S=$((DAY_S + N * EVERY_S))
    grow
    happen before
    run_both
    happen after
    happen restart
    [ $((N % 24)) = 0 ] || continue
    same dump_history "the history"
    on_the_wire
done
if [ "$FAILED" = 0 ]; then pass "$N runs, and after each the same is published as by the twin"; fi
check_has "listed by their score, of the twin's, every two hours:$WIRE" "$WIRE" '([0-9]+)/\1$'
account
stop repdnsd || fail "repdnsd ends with exit code 0"
e2e_end
