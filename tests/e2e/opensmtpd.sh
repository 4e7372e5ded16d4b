#!/bin/bash
# OpenSMTPD asks repdnsd by the filter of tools/mta/opensmtpd, taken as it is.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=mta.sh
. "$(dirname "$0")/mta.sh"
e2e_begin opensmtpd 120 "$@"
need unbound python3 /repdnsd /repdns-load /tests/tools/dnsfixture
mkdir -p "$RUN/usr/local/libexec"
cp "$MTA_DIR/opensmtpd/filter-repdns" "$RUN/usr/local/libexec/"
apart opensmtpd "$RUN/usr"
program OpenSMTPD opensmtpd
add_users opensmtpd opensmtpq

mta_conf
serve_mailworld "repdns-load run makes OpenSMTPD's world"

# Its spool is a fixed place, and its users have a home there.
mount -t tmpfs -o mode=755 tmpfs /var/spool
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /var/spool/smtpd /var/lib/opensmtpd/empty 2>/dev/null || true
chmod 711 /var/spool/smtpd
cp "$MTA_DIR/opensmtpd/smtpd.conf" "$RUN/smtpd.conf"
cat >>"$RUN/smtpd.conf" <<EOF_CONF
action "local" maildir "$RUN/maildir" virtual { "@" = root }
match from any for domain "test.example" action "local"
EOF_CONF
chmod 600 "$RUN/smtpd.conf"
got=$(smtpd -n -f "$RUN/smtpd.conf" 2>&1 || true)
check_eq "smtpd -n" "$got" 'configuration OK'
start smtpd smtpd -d -f "$RUN/smtpd.conf"
within 20 listens "$MX4" 25 || e2e_stop "OpenSMTPD starts" "$(cat "$RUN/smtpd.log")"

got=$(send_mail 25 203.0.113.7 seven.isp.example a@good.example)
result "client on a list" "$(wire_ip 203.0.113.7 ip)" "$got" \
    '^550 5\.7\.1 203\.0\.113\.7 is listed by ip\.rep\.example'
got=$(send_mail 25 2001:db8:bad::9 client.isp.example a@ngo.example)
result "IPv6 client with a bad score" "$(wire_ip 2001:db8:bad::9 ip)" "$got" \
    '^550 5\.7\.1 2001:db8:bad::9 is listed by ip\.rep\.example'
got=$(send_mail 25 198.51.100.20 mail.bank.example a@spammer.example)
result "listed sender domain" spammer.example.dom.rep.example "$got" \
    '^550 5\.7\.1 spammer\.example is listed by dom\.rep\.example'
got=$(send_mail 25 198.51.100.20 badhelo.example news@bank.example)
result "listed HELO name" badhelo.example.helo.rep.example "$got" \
    '^550 5\.7\.1 HELO badhelo\.example is listed by helo\.rep\.example'
got=$(send_mail 25 203.0.113.10 ten.isp.example news@bank.example)
result "address that the domain's SPF forbids" 10.113.0.203.bank.example.pair.rep.example "$got" \
    '^550 5\.7\.1 SPF of bank\.example forbids 203\.0\.113\.10 to send'
got=$(send_mail 25 198.51.100.10 bank.example '')
result "null sender, by its HELO name" 10.100.51.198.bank.example.pair.rep.example "$got" \
    '^550 5\.7\.1 SPF of bank\.example forbids 198\.51\.100\.10 to send'
got=$(send_mail 25 198.51.100.99 relay.ngo.example a@spammer.example)
result "welcome client, listed sender domain" "$(wire_ip 198.51.100.99 ok)" "$got" '^250 2\.0\.0 .*'
got=$(send_mail 25 198.51.100.20 mail.bank.example news@bank.example)
result "honest client" "$(wire_ip 198.51.100.20 ip)" "$got" '^250 2\.0\.0 .*'
got=$(send_mail 25 198.51.100.10 '[198.51.100.10]' 'odd|sender@good.example')
check_has "a separator in the sender" "$got" '^250 2\.0\.0 '

stop repdnsd || true
got=$(send_mail 25 203.0.113.8 eight.isp.example a@ngo.example)
result "any client while repdnsd is away" - "$got" '^250 2\.0\.0 .*'
alive smtpd || fail "smtpd and its filter live" "$(cat "$RUN/smtpd.log")"

# Lines that nobody should send neither end the filter nor make it answer.
got=$(printf '%s\n' 'config|ready' 'report|0.6|1|smtp-in|link-connect|a1|-|fail|junk|junk' 'filter|0.6' \
    'report' '' "$(printf '\377\200|')" 'filter|0.6|1|smtp-in|mail-from|a1|t1|x@y|z' \
    'filter|0.6|1|smtp-in|mail-from|b2|t2|x@y' | timeout 10 "$MTA_DIR/opensmtpd/filter-repdns" rep.example)
check_eq "lines that nobody should send" "$(grep -v ^register <<<"$got")" \
    "$(printf '%s\n' 'filter-result|a1|t1|proceed' 'filter-result|b2|t2|proceed')"
e2e_end
