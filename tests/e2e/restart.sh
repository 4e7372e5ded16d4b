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
# end_load WHAT
end_load() {
    wait "${STARTED[measure]}" "${STARTED[load]}" || true
    unset 'STARTED[measure]' 'STARTED[load]'
    local gap
    gap=$(sed -n 's/^gap-ms //p' "$RUN/measure.log" | tail -n 1)
    if [ "${gap:-99999}" -le "$MOST_MS" ]; then
        pass "$1: $gap ms without an answer"
    else
        fail "$1" "${gap:-?} ms without an answer, at most $MOST_MS wanted"
    fi
}
children() {
    cat "/proc/${STARTED[repdnsd]}/task/${STARTED[repdnsd]}/children"
}

start_server "$CONF"
begin_load
end_load "nothing killed"
read -r udp tcp <<<"$(children)"
begin_load
kill -KILL "$udp"
end_load "UDP worker killed"
check "another one took its place" alive repdnsd
kill -KILL "$tcp"
answers_tcp() {
    answers 127.0.0.2 +tcp "$NAME" A
}
check "TCP worker killed: another one answers" within 2 answers_tcp
for round in 1 2 3; do
    begin_load
    kill -KILL "${STARTED[repdnsd]}" || e2e_stop "it runs" "$(tail -n 3 "$RUN/repdnsd.log")"
    start repdnsd "$BIN/repdnsd" -c "$CONF"
    end_load "supervisor killed and started again, $round"
    check "it goes on, $round" alive repdnsd
    check "over TCP too, $round" within 2 answers_tcp
done
stop repdnsd || fail "repdnsd ends with exit code 0"
e2e_end
