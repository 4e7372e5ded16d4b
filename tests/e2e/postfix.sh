#!/bin/bash
# Postfix asks repdnsd: list files and judged history become 554 replies with our text.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin postfix 120 "$@"
need postfix unbound /repdnsd /repdns-load /tests/tools/dnsfixture

# What is served: two block lists in the shipped zones, a third in a zone of another base.
mkdir "$RUN/lists"
cat >"$RUN/lists/clients" <<'EOF_LIST'
# an entry with a text of its own, and one without
203.0.113.7 :127.0.0.2:$ was blocked by hand; ask postmaster@rep.example
203.0.113.8
EOF_LIST
cat >"$RUN/lists/names" <<'EOF_LIST'
spammer.example
.wild.example :127.0.1.2:wildcard match of $
EOF_LIST
cat >"$RUN/lists/helos" <<'EOF_LIST'
badhelo.example
EOF_LIST
cat >"$RUN/lists/intern" <<'EOF_LIST'
:127.0.0.9:intern knows $
203.0.113.10
EOF_LIST
awk -f "$E2E_DIR/mailworld/maillog.awk" "$E2E_DIR/mailworld/sessions" >"$RUN/mail.log"

state_folder "$RUN/state"
write_conf "$RUN/repdns.conf" "$RUN/state"
cat >>"$RUN/repdns.conf" <<EOF_CONF
log { path = "$RUN/mail.log" }
list "clients" { type = ip4set  files = {"$RUN/lists/clients"} }
list "names" { type = dnset  files = {"$RUN/lists/names"} }
list "helos" { type = dnset  files = {"$RUN/lists/helos"} }
list "intern" { type = ip4set  files = {"$RUN/lists/intern"} }
zone "helo" { datasets = {"helos", "judged.helo"} }
zone "bl.rep.internal" { kind = list  datasets = {"intern"} }
EOF_CONF

serve_mailworld "repdns-load run imports, judges and publishes"

write_postfix
cat >>"$RUN/postfix/etc/main.cf" <<EOF_MAIN
local_transport = discard:
smtpd_client_restrictions =
    reject_rbl_client ip.rep.example
    reject_rbl_client bl.rep.internal=127.0.0.9
smtpd_helo_restrictions = reject_rhsbl_helo helo.rep.example
smtpd_sender_restrictions = reject_rhsbl_sender dom.rep.example
EOF_MAIN
cat >>"$RUN/postfix/etc/master.cf" <<EOF_MASTER
$MX4:26 inet n - n - 1 postscreen
  -o postscreen_dnsbl_sites=ip.rep.example=127.0.0.[2..9]
  -o postscreen_dnsbl_action=enforce
  -o postscreen_greet_wait=6s
  -o postscreen_cache_map=
smtpd pass - - n - - smtpd
dnsblog unix - - n - 0 dnsblog
tlsproxy unix - - n - 0 tlsproxy
EOF_MASTER
start_postfix

to4() { # CLIENT HELO SENDER
    smtp "$MX4" 25 "$1" "$2" "$3" user@test.example data
}

to6() {
    smtp "$MX6" 25 "$1" "$2" "$3" user@test.example data
}

got=$(to4 203.0.113.7 seven.isp.example a@good.example)
check_has "listed IPv4 client: 554 with the list's own text" "$got" \
    '^554 5\.7\.1 .*\[203\.0\.113\.7\] blocked using ip\.rep\.example; 203\.0\.113\.7 was blocked by hand; ask postmaster@rep\.example'
got=$(to4 203.0.113.8 eight.isp.example a@good.example)
check_has "listed IPv4 client: 554 with our text and the address to ask at" "$got" \
    '^554 5\.7\.1 .*ip\.rep\.example; 203\.0\.113\.8 is listed by the operator .*; see https://rep\.example/why\?q=203\.0\.113\.8'
got=$(to6 2001:db8:bad::9 client.isp.example a@good.example)
check_has "judged IPv6 client: 554 with our text" "$got" \
    '^554 5\.7\.1 .*\[2001:db8:bad::9\] blocked using ip\.rep\.example; 2001:db8:bad::9 (has|greets) '
got=$(to4 203.0.113.10 ten.isp.example a@good.example)
check_has "a zone of another base, filtered by code" "$got" \
    '^554 .*blocked using bl\.rep\.internal; intern knows 203\.0\.113\.10'

got=$(to4 198.51.100.10 mail.good.example anna@good.example)
check_has "clean IPv4 client: queued" "$got" '^250 2\.0\.0 Ok: queued'
got=$(to6 2001:db8:c1ea::9 mail.clean.example anna@good.example)
check_has "clean IPv6 client: queued" "$got" '^250 2\.0\.0 Ok: queued'
got=$(to4 198.51.100.10 mail.good.example '')
check_has "null sender: queued" "$got" '^250 2\.0\.0 Ok: queued'

got=$(to4 198.51.100.10 mail.good.example a@spammer.example)
check_has "listed sender domain: 554 with our text" "$got" \
    '^554 5\.7\.1 .*\[a@spammer\.example\] blocked using dom\.rep\.example; spammer\.example is listed by the operator'
got=$(to6 2001:db8:c1ea::9 mail.clean.example a@sub.wild.example)
check_has "sender below a wildcard, over IPv6: 554" "$got" \
    '^554 .*dom\.rep\.example; wildcard match of .*wild\.example'
got=$(to4 198.51.100.10 mail.good.example a@sub.spammer.example)
check_has "a subdomain of an exact entry passes" "$got" '^250 2\.0\.0 Ok: queued'
got=$(to4 198.51.100.10 mail.good.example a@gone.example)
check_has "sender domain that does not exist: 554 with our text" "$got" \
    '^554 .*dom\.rep\.example; gone\.example does not exist in DNS'
got=$(to4 198.51.100.10 badhelo.example a@good.example)
check_has "listed HELO name: 554 with our text" "$got" \
    '^554 5\.7\.1 .*Helo command.* blocked using helo\.rep\.example; badhelo\.example is listed by the operator'
got=$(to4 198.51.100.10 '[198.51.100.10]' a@good.example)
check_has "an address as HELO passes the name zone" "$got" '^250 2\.0\.0 Ok: queued'

got=$(smtp "$MX4" 26 203.0.113.7 seven.isp.example a@good.example user@test.example)
check_has "postscreen: listed client is refused" "$got" \
    '^550 5\.7\.1 .*\[203\.0\.113\.7\] blocked using ip\.rep\.example'
got=$(smtp "$MX4" 26 198.51.100.20 mail.bank.example a@good.example user@test.example)
check_hasnt "postscreen: clean client is not" "$got" 'blocked using'

# A dead list must not stop mail: an address that no cache knows of is accepted.
stop repdnsd && rc=0 || rc=$?
check_eq "repdnsd ends by SIGTERM" "$rc" 0
got=$(to4 198.51.100.99 relay.ngo.example a@good.example)
check_has "without repdnsd: accepted" "$got" '^250 2\.0\.0 Ok: queued'

stop_postfix
e2e_end
