#!/bin/bash
# Exim asks repdnsd by the lines of tools/mta/exim, taken as they are.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=mta.sh
. "$(dirname "$0")/mta.sh"
e2e_begin exim 120 "$@"
need unbound /repdnsd /repdns-load /tests/tools/dnsfixture
apart exim4-daemon-light
program Exim exim4-daemon-light
add_users Debian-exim

mta_conf
mta_keys
serve_mailworld "repdns-load run makes Exim's world"

mkdir -p "$RUN/exim/spool" "$RUN/exim/log" "$RUN/exim/mail"
chown -R Debian-exim:Debian-exim "$RUN/exim"

# conf_of FILE PORT SNIPPET
conf_of() {
    cat >"$1" <<EOF_EXIM
primary_hostname = mx.test.example
domainlist local_domains = test.example
spool_directory = $RUN/exim/spool
log_file_path = $RUN/exim/log/%slog
pid_file_path = $1.pid
local_interfaces = <; $MX4 ; $MX6
daemon_smtp_port = $2
acl_smtp_rcpt = acl_check_rcpt
host_lookup = *
rfc1413_query_timeout = 0s
dns_dnssec_ok = 0
tls_advertise_hosts =
smtp_accept_max = 0
exim_user = Debian-exim
exim_group = Debian-exim
never_users =
begin acl
acl_check_rcpt:
.include $3
accept  domains = +local_domains
deny    message = relay not permitted
begin routers
local:
  driver = accept
  transport = files
begin transports
files:
  driver = appendfile
  file = $RUN/exim/mail/inbox
  user = Debian-exim
EOF_EXIM
}
sed 's/0k3y0f0client/0k3y0f0nobody/' "$MTA_DIR/exim/acl_rcpt_key" >"$RUN/acl_rcpt_wrong_key"
conf_of "$RUN/exim.conf" 25 "$MTA_DIR/exim/acl_rcpt"
conf_of "$RUN/exim-key.conf" 26 "$MTA_DIR/exim/acl_rcpt_key"
conf_of "$RUN/exim-wrong-key.conf" 27 "$RUN/acl_rcpt_wrong_key"
check "Exim takes the lines" exim4 -C "$RUN/exim.conf" -bV
start exim exim4 -C "$RUN/exim.conf" -bdf
start exim-key exim4 -C "$RUN/exim-key.conf" -bdf
start exim-wrong-key exim4 -C "$RUN/exim-wrong-key.conf" -bdf
if ! within 10 listens "$MX4" 25 || ! within 10 listens "$MX6" 25 || ! within 10 listens "$MX4" 26; then
    e2e_stop "Exim starts" "$(cat "$RUN/exim.log" "$RUN/exim-key.log" "$RUN"/exim/log/*)"
fi
within 10 listens "$MX4" 27 || e2e_stop "Exim starts" "$(cat "$RUN/exim-wrong-key.log")"

got=$(send_mail 25 203.0.113.7 seven.isp.example a@good.example)
result "client on a list" "$(wire_ip 203.0.113.7 ip)" "$got" \
    '^550 203\.0\.113\.7 is listed by ip\.rep\.example: 203\.0\.113\.7 was blocked by hand; ask .*'
got=$(send_mail 25 203.0.113.8 eight.isp.example a@good.example)
result "client on a list, our text" "$(wire_ip 203.0.113.8 ip)/TXT" "$got" \
    '^550 203\.0\.113\.8 is listed by ip\.rep\.example: 203\.0\.113\.8 is listed by the operator .*'
got=$(send_mail 25 2001:db8:bad::9 client.isp.example a@good.example)
result "IPv6 client with a bad score" "$(wire_ip 2001:db8:bad::9 ip)" "$got" \
    '^550 2001:db8:bad::9 is listed by ip\.rep\.example: .*'
got=$(send_mail 25 198.51.100.20 mail.bank.example a@spammer.example)
result "listed sender domain" spammer.example.dom.rep.example "$got" \
    '^550 spammer\.example is listed by dom\.rep\.example: .*'
got=$(send_mail 25 198.51.100.20 mail.bank.example a@sub.wild.example)
result "sender below a wildcard" sub.wild.example.dom.rep.example "$got" \
    '^550 sub\.wild\.example is listed by dom\.rep\.example: wildcard match of .*'
got=$(send_mail 25 198.51.100.20 mail.bank.example a@gone.example)
result "sender domain that does not exist" gone.example.dom.rep.example "$got" \
    '^550 gone\.example is listed by dom\.rep\.example: gone\.example does not exist in DNS.*'
got=$(send_mail 25 198.51.100.20 badhelo.example news@bank.example)
result "listed HELO name" badhelo.example.helo.rep.example "$got" \
    '^550 HELO badhelo\.example is listed by helo\.rep\.example: .*'
got=$(send_mail 25 203.0.113.10 ten.isp.example news@bank.example)
result "address that the domain's SPF forbids" 10.113.0.203.bank.example.pair.rep.example "$got" \
    '^550 SPF of bank\.example forbids this address to send.*'
got=$(send_mail 25 2001:db8:c1ea::9 mail.clean.example news@bank.example)
result "IPv6 address that the domain's SPF forbids" \
    "$(reverse 2001:db8:c1ea::9).bank.example.pair.rep.example" "$got" \
    '^550 SPF of bank\.example forbids this address to send.*'
got=$(send_mail 25 198.51.100.10 bank.example '')
result "null sender, by its HELO name" 10.100.51.198.bank.example.pair.rep.example "$got" \
    '^550 SPF of bank\.example forbids this address to send.*'
got=$(send_mail 25 198.51.100.99 relay.ngo.example a@spammer.example)
result "welcome client, listed sender domain" "$(wire_ip 198.51.100.99 ok)" "$got" '^250 OK id=.*'
got=$(send_mail 25 198.51.100.10 '[198.51.100.10]' anna@good.example)
result "honest client, address as HELO" "$(wire_ip 198.51.100.10 ip)" "$got" '^250 OK id=.*'
got=$(send_mail 25 203.0.113.7 seven.isp.example a@good.example)
check_has "asked again: the same" "$got" '^550 203\.0\.113\.7 is listed'

inbox() {
    cat "$RUN/exim/mail/inbox"
}
spf_header() {
    inbox | grep -qE '^X-Repdns-Spf: pass'
}
hint_header() {
    inbox | grep -qE '^X-Repdns-Hint: 127'
}
within 10 spf_header || true
result "honest client of the domain" 10.100.51.198.good.example.spf.rep.example "$(inbox)" \
    '^X-Repdns-Spf: pass'
got=$(send_mail 25 203.0.113.10 ten.isp.example a@ngo.example)
check_has "a client with a hint alone is accepted" "$got" '^250 OK id='
within 10 hint_header || true
result "client without a reverse name" "$(wire_ip 203.0.113.10 hint)" "$(inbox)" \
    '^X-Repdns-Hint: 127\.0\.0\.[0-9, .]*'

got=$(send_mail 26 203.0.113.7 seven.isp.example a@good.example)
result "client on a list with a key" 7.113.0.203.client.keyed.rep.example "$got" \
    '^550 203\.0\.113\.7 is listed by keyed\.rep\.example: .*'
check_hasnt "the key is not told" "$got" 0k3y
got=$(send_mail 27 203.0.113.7 seven.isp.example a@good.example)
result "the same with an unknown key" - "$got" '^250 OK id=.*'
check_eq "which is an error's value on the wire" \
    "$(ask 7.113.0.203.0k3y0f0nobody.keyed.rep.example A)" 127.255.255.254

# A dead list must not stop mail.
stop repdnsd || true
got=$(send_mail 25 203.0.113.10 '[203.0.113.10]' a@good.example)
result "any client while repdnsd is away" - "$got" '^250 OK id=.*'
e2e_end
