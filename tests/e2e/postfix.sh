#!/bin/bash
# Postfix asks repdnsd by the lines of tools/mta/postfix, taken as they are: lists of addresses and
# names, postscreen, a zone with a key. List files and judged history become replies with our text.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=mta.sh
. "$(dirname "$0")/mta.sh"
e2e_begin postfix 240 "$@"
need postfix unbound /repdnsd /repdns-load /tests/tools/dnsfixture
program Postfix postfix

# Beside the world of all mail servers: a host name that is listed, a zone of another base, and one
# with a key.
mta_conf
echo mail.clean.example >>"$RUN/lists/names"
cat >"$RUN/lists/intern" <<'EOF_LIST'
:127.0.0.9:intern knows $
203.0.113.10
EOF_LIST
cat >>"$RUN/repdns.conf" <<EOF_CONF
list "intern" { type = ip4set  files = {"$RUN/lists/intern"} }
zone "bl.rep.internal" { kind = list  datasets = {"intern"} }
EOF_CONF
mta_keys
serve_mailworld "repdns-load run imports, judges and publishes"

# instance NAME PORT: a Postfix that reads $RUN/NAME.cf, on the port, with submission on the next and
# postscreen on the one after that.
instance() {
    local dir=$RUN/$1/postfix
    RUN=$RUN/$1 write_postfix
    {
        echo 'local_transport = discard:'
        cat "$RUN/$1.cf"
    } >>"$dir/etc/main.cf"
    sed -i "s/^25 /$2 /" "$dir/etc/master.cf"
    cat >>"$dir/etc/master.cf" <<EOF_MASTER
$(($2 + 1)) inet n - n - - smtpd
  -o smtpd_relay_restrictions=
  -o smtpd_recipient_restrictions=\$repdns_submission_restrictions
$MX4:$(($2 + 2)) inet n - n - 1 postscreen
  -o postscreen_greet_wait=6s
  -o postscreen_cache_map=
smtpd pass - - n - - smtpd
dnsblog unix - - n - 0 dnsblog
tlsproxy unix - - n - 0 tlsproxy
EOF_MASTER
    check_eq "Postfix has nothing to say of $1.cf" \
        "$(postconf -c "$dir/etc" 2>&1 >/dev/null | grep -vE "repdns_submission|overriding earlier entry" || true)" ''
    postfix -c "$dir/etc" start >"$RUN/$1.log" 2>&1 || true
    if ! within 10 listens "$MX4" "$2" || ! within 10 listens "$MX6" "$2"; then
        e2e_stop "Postfix starts with $1.cf" "$(cat "$RUN/$1.log" "$dir/maillog")"
    fi
}

LINES=$MTA_DIR/postfix
cat "$LINES/main.cf" "$LINES/postscreen.cf" >"$RUN/lists.cf"
{
    sed "s,/etc/postfix/,$RUN/keys/postfix/etc/," "$LINES/keys.cf"
    cat "$LINES/policy.cf"
    echo 'smtpd_helo_restrictions = reject_rbl_client bl.rep.internal=127.0.0.9,
    reject_rbl_client 0k3y0f0nobody.keyed.rep.example=127.0.0.[2;3;9]'
} >"$RUN/keys.cf"
mkdir -p "$RUN/keys/postfix/etc"
cp "$LINES/rbl_reply" "$LINES/dnsbl_reply" "$RUN/keys/postfix/etc/"
# What zmconfigd makes of Zimbra's lines, unfiltered as it writes them.
{
    echo 'smtpd_recipient_restrictions = reject_unauth_destination'
    sed -n 's/^zmprov .*+zimbraMtaRestriction "\(.*\)"$/    \1/p' "$MTA_DIR/zimbra/zmprov.sh"
    echo 'postscreen_dnsbl_sites ='
    sed -n "s/^zmprov .*+zimbraMtaPostscreenDnsblSites '\(.*\)'$/    \1/p" "$MTA_DIR/zimbra/zmprov.sh"
    echo 'postscreen_dnsbl_threshold = 4
postscreen_dnsbl_action = enforce'
} >"$RUN/zimbra.cf"
instance lists 25
instance keys 35
instance zimbra 45

got=$(send_mail 25 203.0.113.7 seven.isp.example a@good.example)
result "client on a list" "$(wire_ip 203.0.113.7 ip)" "$got" \
    '^554 5\.7\.1 .*\[203\.0\.113\.7\] blocked using ip\.rep\.example; 203\.0\.113\.7 was blocked by hand; ask postmaster@rep\.example'
got=$(send_mail 25 203.0.113.8 eight.isp.example a@good.example)
result "client on a list, our text" "$(wire_ip 203.0.113.8 ip)/TXT" "$got" \
    '^554 5\.7\.1 .*ip\.rep\.example; 203\.0\.113\.8 is listed by the operator .*; see https://rep\.example/why\?q=203\.0\.113\.8'
got=$(send_mail 25 2001:db8:bad::9 client.isp.example a@good.example)
result "IPv6 client with a bad score" "$(wire_ip 2001:db8:bad::9 ip)" "$got" \
    '^554 5\.7\.1 .*\[2001:db8:bad::9\] blocked using ip\.rep\.example; 2001:db8:bad::/64 (has|greets) .*'
got=$(send_mail 35 203.0.113.10 ten.isp.example a@good.example)
result "a zone of another base" 10.113.0.203.bl.rep.internal "$got" \
    '^554 .*blocked using bl\.rep\.internal; intern knows 203\.0\.113\.10'

got=$(send_mail 25 198.51.100.20 mail.bank.example news@bank.example)
result "honest client" "$(wire_ip 198.51.100.20 ip)" "$got" '^250 2\.0\.0 Ok: queued'
got=$(send_mail 25 2001:db8:ba2c::9 mail.bank.example news@bank.example)
result "honest IPv6 client" "$(wire_ip 2001:db8:ba2c::9 ip)" "$got" '^250 2\.0\.0 Ok: queued'
got=$(send_mail 25 198.51.100.20 mail.bank.example '')
result "null sender" "$(wire_ip 198.51.100.20 ip)" "$got" '^250 2\.0\.0 Ok: queued'

got=$(send_mail 25 198.51.100.20 mail.bank.example a@spammer.example)
result "listed sender domain" spammer.example.dom.rep.example "$got" \
    '^554 5\.7\.1 .*\[a@spammer\.example\] blocked using dom\.rep\.example; spammer\.example is listed by the operator'
got=$(send_mail 25 2001:db8:ba2c::9 mail.bank.example a@sub.wild.example)
result "sender below a wildcard" sub.wild.example.dom.rep.example "$got" \
    '^554 .*dom\.rep\.example; wildcard match of .*wild\.example'
got=$(send_mail 25 198.51.100.20 mail.bank.example a@sub.spammer.example)
result "a subdomain of an exact entry" sub.spammer.example.dom.rep.example "$got" \
    '^250 2\.0\.0 Ok: queued'
got=$(send_mail 25 198.51.100.20 mail.bank.example a@gone.example)
result "sender domain that does not exist" gone.example.dom.rep.example "$got" \
    '^554 .*dom\.rep\.example; gone\.example does not exist in DNS'
got=$(send_mail 25 198.51.100.20 badhelo.example a@good.example)
result "listed HELO name" badhelo.example.helo.rep.example "$got" \
    '^554 5\.7\.1 .*Helo command.* blocked using helo\.rep\.example; badhelo\.example is listed by the operator'
got=$(send_mail 25 198.51.100.20 '[198.51.100.20]' a@good.example)
check_has "an address as HELO passes the name zone" "$got" '^250 2\.0\.0 Ok: queued'
got=$(send_mail 25 2001:db8:c1ea::9 six.isp.example a@good.example)
result "listed name of the client, verified" mail.clean.example.dom.rep.example "$got" \
    '^554 5\.7\.1 .*Client host \[mail\.clean\.example\] blocked using dom\.rep\.example'
got=$(send_mail 25 203.0.113.11 eleven.isp.example a@good.example)
result "listed name of the client, not verified" unproved.wild.example.dom.rep.example "$got" \
    '^554 5\.7\.1 .*Unverified Client host \[unproved\.wild\.example\] blocked using dom\.rep\.example'
got=$(send_mail 26 198.51.100.20 mail.bank.example news@bank.example a@spammer.example)
result "listed domain of a recipient" spammer.example.dom.rep.example "$got" \
    '^554 5\.7\.1 .*Recipient address \[a@spammer\.example\] blocked using dom\.rep\.example'
got=$(send_mail 25 198.51.100.99 relay.ngo.example a@spammer.example)
result "welcome client, listed sender domain" "$(wire_ip 198.51.100.99 ok)" "$got" \
    '^250 2\.0\.0 Ok: queued'
got=$(send_mail 25 198.51.100.10 mail.good.example a@spammer.example)
result "client with a welcome name, the same" mail.good.example.ok.rep.example "$got" \
    '^250 2\.0\.0 Ok: queued'

# What the INFO line is for: the loader learns the HELO of mail that was accepted from Postfix's log.
result "the log of an accepted mail" - "$(cat "$RUN/lists/postfix/maillog")" \
    'NOQUEUE: info: RCPT from mail\.bank\.example\[198\.51\.100\.20\]: repdns; .*helo=<mail\.bank\.example>'
state_folder "$RUN/learnt"
write_conf "$RUN/learnt.conf" "$RUN/learnt"
echo "log { path = \"$RUN/lists/postfix/maillog\" }" >>"$RUN/learnt.conf"
chmod 644 "$RUN/lists/postfix/maillog"
load "$RUN/learnt.conf" run >"$RUN/learnt.log" 2>&1 || true
result "repdns explain learns of it" - "$("$BIN/repdns" -c "$RUN/learnt.conf" explain 198.51.100.20 2>&1)" \
    'HELO: "mail\.bank\.example"'

got=$(send_mail 27 203.0.113.7 seven.isp.example a@good.example)
result "postscreen: client on a list" "$(wire_ip 203.0.113.7 ip)" "$got" \
    '^550 5\.7\.1 .*\[203\.0\.113\.7\] blocked using ip\.rep\.example'
got=$(send_mail 27 203.0.113.10 ten.isp.example a@good.example)
check_hasnt "postscreen: a hint alone is not enough" "$got" 'blocked using'
within 5 grep -q 'addr 203.0.113.10 listed by domain hint.rep.example as 127.0.0.11' \
    "$RUN/lists/postfix/maillog" || true
result "postscreen: client with a hint" "$(wire_ip 203.0.113.10 hint)" "$(cat "$RUN/lists/postfix/maillog")" \
    'addr 203\.0\.113\.10 listed by domain hint\.rep\.example as 127\.0\.0\.11'
got=$(send_mail 27 198.51.100.99 relay.ngo.example a@spammer.example)
result "postscreen: welcome client waits for no test" "$(wire_ip 198.51.100.99 ok)" "$got" \
    '^250 2\.0\.0 Ok: queued'
got=$(send_mail 27 198.51.100.20 mail.bank.example a@good.example)
check_hasnt "postscreen: honest client is not blocked" "$got" 'blocked using'

got=$(send_mail 35 203.0.113.7 seven.isp.example a@good.example)
result "client on a list with a key" 7.113.0.203.client.keyed.rep.example "$got" \
    '^554 5\.7\.1 .*\[203\.0\.113\.7\] blocked using keyed\.rep\.example; 203\.0\.113\.7 was .*'
check_hasnt "the reply does not tell the key" "$got" 0k3y
got=$(send_mail 37 203.0.113.8 eight.isp.example a@good.example)
result "postscreen: client on a list with a key" 8.113.0.203.client.keyed.rep.example "$got" \
    '^550 5\.7\.1 .*\[203\.0\.113\.8\] blocked using keyed\.rep\.example'
check_hasnt "the reply of postscreen does not either" "$got" 0k3y
got=$(send_mail 35 198.51.100.20 mail.bank.example news@bank.example)
result "honest client, unknown key, policy service away" - "$got" '^250 2\.0\.0 Ok: queued'
check_eq "the unknown key got an error's value, which the filter lets pass" \
    "$(dig +short "@$RESOLVER" 20.100.51.198.0k3y0f0nobody.keyed.rep.example A)" 127.255.255.254

program "Postfix as Zimbra" postfix
got=$(send_mail 45 203.0.113.7 seven.isp.example a@good.example)
result "client on a list" "$(wire_ip 203.0.113.7 ip)" "$got" \
    '^554 5\.7\.1 .*\[203\.0\.113\.7\] blocked using ip\.rep\.example'
got=$(send_mail 45 198.51.100.20 mail.bank.example a@gone.example)
result "sender domain that does not exist" gone.example.dom.rep.example "$got" \
    '^554 5\.7\.1 .*\[a@gone\.example\] blocked using dom\.rep\.example'
got=$(send_mail 45 198.51.100.20 mail.bank.example news@bank.example)
check_has "honest client" "$got" '^250 2\.0\.0 Ok: queued'
got=$(send_mail 47 203.0.113.7 seven.isp.example a@good.example)
result "postscreen: client on a list" "$(wire_ip 203.0.113.7 ip)" "$got" \
    '^550 5\.7\.1 .*\[203\.0\.113\.7\] blocked using ip\.rep\.example'
program Postfix postfix

# A dead list must not stop mail: an address that no cache knows of is accepted.
stop repdnsd && rc=0 || rc=$?
check_eq "repdnsd ends by SIGTERM" "$rc" 0
got=$(send_mail 25 2001:db8:600d::9 relay.isp.example a@good.example)
result "any client while repdnsd is away" - "$got" '^250 2\.0\.0 Ok: queued'

for name in lists keys zimbra; do
    postfix -c "$RUN/$name/postfix/etc" stop >>"$RUN/$name.log" 2>&1 || true
done
e2e_end
