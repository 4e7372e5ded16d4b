#!/bin/bash
# Haraka asks repdnsd by the file of tools/mta/haraka, taken as it is.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=mta.sh
. "$(dirname "$0")/mta.sh"
e2e_begin haraka 120 "$@"
need unbound node /repdnsd /repdns-load /tests/tools/dnsfixture
apart_file haraka node_modules/Haraka/bin/haraka
program Haraka haraka

# Who is welcome is listed as well.
mta_conf
echo 198.51.100.99 >>"$RUN/lists/clients"
serve_mailworld "repdns-load run makes Haraka's world"

# Mail for test.example, to nowhere. Of addresses for documentation, and of the host's own, Haraka
# takes it that they need no list: here these are the strangers.
HARAKA=$RUN/haraka
node "$APART_FILE" -i "$HARAKA" >/dev/null
cp "$MTA_DIR/haraka/dns-list.ini" "$HARAKA/config/"
mkdir -p "$HARAKA/plugins"
cat >"$HARAKA/plugins/strangers.js" <<'EOF_PLUGIN'
exports.hook_connect_init = (next, connection) => {
    connection.set('remote.is_private', false)
    next()
}
EOF_PLUGIN
printf '%s\n' strangers dns-list rcpt_to.in_host_list queue/discard >"$HARAKA/config/plugins"
echo test.example >"$HARAKA/config/host_list"
echo mx.test.example >"$HARAKA/config/me"
echo loginfo >"$HARAKA/config/loglevel"
printf '%s\n' "listen=$MX4:25,[$MX6]:25" nodes=0 >"$HARAKA/config/smtp.ini"
start haraka env YES_REALLY_DO_DISCARD=1 node "$APART_FILE" -c "$HARAKA"
enabled() { # both zones passed its check
    [ "$(grep -c 'enabling .* zone' "$RUN/haraka.log")" = 2 ]
}
listens_or_gone() {
    listens "$MX4" 25 || gone haraka
}
if ! within 20 listens_or_gone || ! alive haraka; then
    e2e_stop "Haraka starts" "$(cat "$RUN/haraka.log")"
fi
within 10 enabled || e2e_stop "Haraka takes the zones" "$(cat "$RUN/haraka.log")"
check_hasnt "no other list is asked" "$(cat "$RUN/haraka.log")" 'lookup error|disabling|Error:'
asked "at its start" 2.0.0.127.ip.rep.example A
asked "at its start" "$(wire_ip ::ffff:127.0.0.1 ip)" A

got=$(send_mail 25 203.0.113.7 seven.isp.example a@good.example)
result "client on a list" "$(wire_ip 203.0.113.7 ip)" "$got" \
    '^55[04] host \[203\.0\.113\.7\] is listed on ip\.rep\.example'
got=$(send_mail 25 203.0.113.9 client.isp.example a@good.example)
result "client with a bad score" "$(wire_ip 203.0.113.9 ip)" "$got" \
    '^55[04] host \[203\.0\.113\.9\] is listed on ip\.rep\.example'
got=$(send_mail 25 2001:db8:bad::9 client.isp.example a@good.example)
result "IPv6 client with a bad score" "$(wire_ip 2001:db8:bad::9 ip)" "$got" \
    '^55[04] host \[2001:db8:bad::9\] is listed on ip\.rep\.example'
check "a listed client" answers 127.0.0.2 99.100.51.198.ip.rep.example
got=$(send_mail 25 198.51.100.99 relay.ngo.example a@good.example)
result "welcome client, listed" "$(wire_ip 198.51.100.99 ok)" "$got" '^250 Message Queued.*'
got=$(send_mail 25 198.51.100.20 mail.bank.example news@bank.example)
result "honest client" "$(wire_ip 198.51.100.20 ip)" "$got" '^250 Message Queued.*'

stop repdnsd || true
got=$(send_mail 25 203.0.113.8 eight.isp.example a@good.example)
result "any client while repdnsd is away" - "$got" '^250 Message Queued.*'
e2e_end
