#!/bin/bash
# kill -9 under load: of a UDP worker, of the TCP worker, of the supervisor with a restart at once. How
# long nobody was answered is measured by a client that asks a thousand times a second.
# MOST_MS=N changes how long that may be.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin restart 120 "$@"
need /repdnsd /repdns-load /tests/tools/dnsrate

MOST_MS=${MOST_MS:-50}
CONF=$RUN/repdns.conf STATE=$RUN/state NAME=7.113.0.203.ip.rep.example

state_folder "$STATE"
write_conf "$CONF" "$STATE"
echo "list \"clients\" { type = ip4set  files = {\"$RUN/clients\"} }" >>"$CONF"
echo "203.0.113.7 :127.0.0.2:listed" >"$RUN/clients"
load "$CONF" run --as-of "$AS_OF" >"$RUN/load.log" 2>&1 || e2e_stop "repdns-load" "$(cat "$RUN/load.log")"

# A load beside the client that measures.
begin_load() {
    start measure "$BIN/tests/tools/dnsrate" 127.0.0.1 "$SERVER_PORT" 3 1000 "$NAME"
    start load "$BIN/tests/tools/dnsrate" 127.0.0.1 "$SERVER_PORT" 3 5000 "$NAME"
    sleep 1
}
# Waits for both; $gap is what was measured.
end_load() {
    wait "${STARTED[measure]}" "${STARTED[load]}" || true
    unset 'STARTED[measure]' 'STARTED[load]'
    gap=$(sed -n 's/^gap-ms //p' "$RUN/measure.log" | tail -n 1)
}
# silence WHAT COMMAND...: how long nobody is answered when the command is run. The best of eight
# tries counts: what else the machine does only adds to it.
silence() {
    local what=$1 gap='' try
    shift
    for try in 1 2 3 4 5 6 7 8; do
        within 5 answers 127.0.0.2 "$NAME" A || true
        : >"$RUN/measure.log"
        begin_load
        "$@"
        end_load
        if [ "${gap:-99999}" -le "$MOST_MS" ]; then
            pass "$what: $gap ms without an answer (try $try)"
            return
        fi
    done
    fail "$what" "${gap:-?} ms without an answer, at most $MOST_MS wanted"
}
kill_worker() { # the first child is a UDP worker, the last the TCP worker
    local pids
    read -ra pids <<<"$(children)"
    kill -KILL "${pids[$1]}"
}
kill_supervisor() {
    kill -KILL "${STARTED[repdnsd]}" || e2e_stop "it runs" "$(tail -n 3 "$RUN/repdnsd.log")"
    start repdnsd "$BIN/repdnsd" -c "$CONF"
}
answers_tcp() {
    answers 127.0.0.2 +tcp "$NAME" A
}

start_server "$CONF"
silence "nothing killed" true
silence "UDP worker killed" kill_worker 0
check "another one took its place" alive repdnsd
kill_worker 1
check "TCP worker killed: another one answers" within 2 answers_tcp
for round in 1 2 3; do
    silence "supervisor killed and started again, $round" kill_supervisor
    check "it goes on, $round" alive repdnsd
    check "over TCP too, $round" within 2 answers_tcp
done
stop repdnsd || fail "repdnsd ends with exit code 0"
e2e_end
