#!/bin/bash
# Who is answered and how often, with two workers: rate limits, cookies, keys and their quotas.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin gate 120 "$@"
need /repdnsd /repdns-load

NAME=7.113.0.203.ip.rep.example
CONF=$RUN/repdns.conf STATE=$RUN/state OUT=$RUN/out
ACME=k3y-of-acme-ltd-1 SMALL=k3y-of-small-llc
RATE=20 SECONDS_LONG=3
mkdir "$OUT"
chown repdns:repdns "$OUT"

# gate_conf LINES...: conf, with keys, a zone that needs one and two workers, and those lines.
gate_conf() {
    conf 'udp_workers = 2' "keys { file = \"$OUT/keys\" }" \
        'zone "ip" { datasets = {"clients", "judged.ip"} }' \
        "zone \"keyed\" { kind = address  datasets = {\"clients\"}  keyed = yes }" \
        "query_log { path = \"$OUT/queries\" }" \
        "statistics { path = \"$OUT/stats\"  format = prometheus  every = 0 }" "$@"
}

client() {
    local what=$1
    shift
    timeout 60 python3 "$E2E_DIR/gate_client.py" "$what" "$SERVER_PORT" "$@"
}

# between WHAT NUMBER LEAST MOST
between() {
    if [ "$2" -ge "$3" ] && [ "$2" -le "$4" ]; then
        pass "$1: $2"
    else
        fail "$1" "got $2, wanted $3 to $4"
    fi
}

# counter NAME: by SIGUSR1.
counter() {
    usr USR1 >"$RUN/told"
    grep -oE "(^| )$1=[0-9]+" "$RUN/told" | head -n 1 | cut -d= -f2
}

state_folder "$STATE"
echo "203.0.113.7 :127.0.0.2:one" >"$RUN/clients"
cat >"$OUT/keys" <<EOF_KEYS
acme   $ACME  on  0  1000   Acme Ltd.
small  $SMALL on  0  500
EOF_KEYS
gate_conf "rate_limit { responses = $RATE  window = 1  slip = 0 }"
load "$CONF" run --as-of "$AS_OF" >"$RUN/load.log" 2>&1 || e2e_stop "load" "$(cat "$RUN/load.log")"
start_server "$CONF"

echo "# a flood from one network, and another client meanwhile"
read -r _ quiet worst_before < <(client steady "$NAME" 1 10 198.51.100.20)
check_eq "alone: all answered" "$quiet" 10
client steady "$NAME" $SECONDS_LONG 10 198.51.100.10 >"$RUN/steady" &
steady=$!
lost=$(kernel_lost)
read -r sent full truncated took < <(client flood "$NAME" $SECONDS_LONG 3000 203.0.113.7 203.0.113.8 203.0.113.9 203.0.113.10)
wait $steady
lost=$(($(kernel_lost) - lost))
read -r asked answered worst <"$RUN/steady"
between "flood: queries" "$sent" 3000 9000
# The seconds of the server's clock are not those of the flood: one more may begin.
between "flood: answers, at $RATE a second" "$full" $((RATE * (SECONDS_LONG - 1))) $((RATE * (took + 1)))
check_eq "no slip: none truncated" "$truncated" 0
check_eq "the other client: all answered" "$answered" "$asked"
pass "the other client's slowest answer: $worst ms, $worst_before ms before"
between "counted as dropped, but $lost" "$(counter rate-dropped)" $((sent - full - lost - 20)) $((sent - full))
check_eq "one at a time from loopback is not limited" \
    "$(client many "$NAME" 200 127.0.0.1)" "200 0"

echo "# slip"
gate_conf "rate_limit { responses = $RATE  window = 1  slip = 2 }"
check_has "SIGHUP" "$(hup)" 'read again'
lost=$(kernel_lost)
read -r sent full truncated took < <(client flood "$NAME" $SECONDS_LONG 2000 203.0.113.7 203.0.113.8)
lost=$(($(kernel_lost) - lost))
between "answers" "$full" $((RATE * (SECONDS_LONG - 1))) $((RATE * (took + 1)))
between "every second of the others truncated" "$truncated" $(((sent - full - lost) * 45 / 100)) $(((sent - full) / 2 + 4))

echo "# cookies"
check_eq "a client that returns its cookie is not limited" \
    "$(client cookie "$NAME" 300 203.0.113.9)" 300
check_has "dig +cookie" "$(dig +cookie -b 203.0.113.10 -p "$SERVER_PORT" @127.0.0.1 "$NAME" A)" \
    'COOKIE: [0-9a-f]{16}01000000[0-9a-f]{24} \(good\)'
between "counted" "$(counter cookies-good)" 300 302

echo "# a different name each time is not limited"
for i in $(seq 60); do echo "$i.100.51.198.ip.rep.example"; done >"$RUN/names"
check_eq "60 names of one client in a moment" "$(dig -b 203.0.113.8 -p "$SERVER_PORT" +noall +comments \
    +tries=1 +time=$DIG_S @127.0.0.1 -f "$RUN/names" A | grep -c 'status: NXDOMAIN')" 60

echo "# keys"
KEYED=7.113.0.203.$ACME.keyed.rep.example
check_eq "with a key" "$(ask "$KEYED" A)" 127.0.0.2
check_eq "the key's own name" "$(status "$ACME.keyed.rep.example" A)" NOERROR
check_eq "without" "$(status 7.113.0.203.keyed.rep.example A)" REFUSED
check_eq "with another" "$(status 7.113.0.203.k3y-of-nobody-1.keyed.rep.example A)" REFUSED
read -r answered refused < <(client many "$KEYED" 1100 127.0.0.1)
# 1000 less the one of dig; a worker keeps at most a chunk of 1000/64 less one.
between "a quota of 1000 over two workers, chunks of 15" "$answered" $((999 - 14)) 999
check_eq "the others are refused" "$refused" $((1100 - answered))
read -r answered _ < <(client many "7.113.0.203.$SMALL.keyed.rep.example" 200 127.0.0.1)
check_eq "200 of 500" "$answered" 200

echo "# after a restart"
stop repdnsd || fail "repdnsd ends with $?"
check_has "the state file" "$(cat "$STATE/quotas")" '^[0-9]+ acme 1000$'
start_server "$CONF"
check_eq "used up is used up" "$(status "$KEYED" A)" REFUSED
read -r answered _ < <(client many "7.113.0.203.$SMALL.keyed.rep.example" 400 127.0.0.1)
# Two workers may each have had 6 unused of a chunk of 7 before the end, and one at it.
between "300 of the other's are left" "$answered" $((300 - 12 - 6)) 300

echo "# the file of keys changes"
sed -i 's/ on  0  1000/ on  0  2000/; s/ on  0  500/ off 0  500/' "$OUT/keys"
check_has "SIGHUP" "$(hup)" 'read again'
check_eq "a larger quota" "$(ask "$KEYED" A)" 127.0.0.2
check_has "off" "$(dig +time=$DIG_S +tries=1 -p "$SERVER_PORT" @127.0.0.1 "7.113.0.203.$SMALL.keyed.rep.example" A)" \
    'EDE: 18 .*key is off'
echo "third  $SMALL on 1 1" >>"$OUT/keys"
check_has "repdnsd -n says so too" "$("$BIN/repdnsd" -n -c "$CONF" 2>&1 || echo "status $?")" \
    'keys:3: the key is that of line 2'
check_has "an error: the line, and all as before" "$(hup)" 'keys:3: the key is that of line 2.*going on'
check_eq "as before" "$(ask "$KEYED" A)" 127.0.0.2

echo "# keys in what is written"
usr USR1 >/dev/null
check "a line of the key" within 2 grep -qE \
    'key acme: answered=[1-9][0-9]* over-second=0 over-day=1 today=' "$RUN/repdnsd.log"
within 2 test -s "$OUT/stats" || fail "statistics"
check_has "Prometheus" "$(cat "$OUT/stats")" 'repdnsd_key_answered_total\{key="acme"\} [1-9]'
check_has "the query log has ids" "$(tail -n 3 "$OUT/queries")" ' 7\.113\.0\.203\.acme\.keyed\.rep\.example A IN'
check_eq "no key in logs and statistics" \
    "$(cat "$OUT/queries" "$OUT/stats" "$RUN/repdnsd.log" "$STATE/quotas" | grep -c 'k3y-of')" 0
stop repdnsd || fail "repdnsd ends with $?"
e2e_end
