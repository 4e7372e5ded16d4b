#!/bin/bash
# Sendmail asks repdnsd by the lines of tools/mta/sendmail, taken as they are.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=mta.sh
. "$(dirname "$0")/mta.sh"
e2e_begin sendmail 120 "$@"
need unbound m4 /repdnsd /repdns-load /tests/tools/dnsfixture
apart sendmail-cf sendmail-bin
program Sendmail sendmail-bin
add_users smmsp smmta

mta_conf
serve_mailworld "repdns-load run makes Sendmail's world"

# Sendmail trusts no folder below one that all may write.
mount -t tmpfs -o mode=755 tmpfs /run

# daemon NAME PORT LINES: a sendmail.mc with the lines, and a Sendmail that has it.
daemon() {
    local dir=/run/$1
    mkdir -p "$dir/queue"
    chmod 700 "$dir/queue"
    {
        cat <<EOF_MC
include(\`/usr/share/sendmail/cf/m4/cf.m4')dnl
VERSIONID(\`$1')dnl
OSTYPE(\`linux')dnl
define(\`QUEUE_DIR', \`$dir/queue')dnl
define(\`STATUS_FILE', \`$dir/statistics')dnl
define(\`HELP_FILE', \`$dir/helpfile')dnl
define(\`ALIAS_FILE', \`')dnl
define(\`confPID_FILE', \`$dir/pid')dnl
define(\`confDELIVERY_MODE', \`queueonly')dnl
define(\`confTO_IDENT', \`0')dnl
define(\`LOCAL_MAILER_PATH', \`/bin/true')dnl
define(\`confDEF_USER_ID', \`smmta:smmta')dnl
LOCAL_DOMAIN(\`test.example')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
DAEMON_OPTIONS(\`Name=v4, Family=inet, Addr=$MX4, Port=$2')dnl
DAEMON_OPTIONS(\`Name=v6, Family=inet6, Addr=$MX6, Port=$2')dnl
EOF_MC
        # MAILER lines come before rulesets of one's own, after all else.
        sed '/^LOCAL_CONFIG/,$d' "$3"
        printf 'MAILER(`local'"'"')dnl\nMAILER(`smtp'"'"')dnl\n'
        sed -n '/^LOCAL_CONFIG/,$p' "$3"
    } >"$dir/sendmail.mc"
    m4 "$dir/sendmail.mc" >"$dir/sendmail.cf" 2>"$RUN/$1.m4" ||
        e2e_stop "m4 takes $3" "$(cat "$RUN/$1.m4")"
    start "$1" /usr/libexec/sendmail/sendmail -bD -C "$dir/sendmail.cf" -X "$RUN/$1.transcript"
}
daemon lines 25 "$MTA_DIR/sendmail/repdns.mc"
daemon simple 35 "$MTA_DIR/sendmail/dnsbl.mc"
if ! within 20 listens "$MX4" 25 || ! within 20 listens "$MX4" 35; then
    e2e_stop "Sendmail starts" "$(cat "$RUN/lines.log" "$RUN/simple.log")"
fi

got=$(send_mail 25 203.0.113.7 seven.isp.example a@good.example)
result "client on a list" "$(wire_ip 203.0.113.7 ip)" "$got" \
    '^550 5\.7\.1 .*203\.0\.113\.7 is listed by ip\.rep\.example; see https://rep\.example/why\?q=203\.0\.113\.7'
for try in 1 2 3; do
    got=$(send_mail 25 203.0.113.9 laptop.isp.example a@ngo.example)
    check_has "client with a score and reasons, whichever comes first ($try)" "$got" \
        '^550 5\.7\.1 .*203\.0\.113\.9 is listed by ip\.rep\.example'
done
got=$(send_mail 35 203.0.113.8 eight.isp.example a@good.example)
result "client on a list, FEATURE dnsbl" "$(wire_ip 203.0.113.8 ip)" "$got" \
    '^550 5\.7\.1 203\.0\.113\.8 is listed by ip\.rep\.example'
got=$(send_mail 25 198.51.100.20 mail.bank.example a@spammer.example)
result "listed sender domain" spammer.example.dom.rep.example "$got" \
    '^550 5\.7\.1 .*spammer\.example is listed by dom\.rep\.example'
got=$(send_mail 25 198.51.100.20 badhelo.example news@bank.example)
result "listed HELO name" badhelo.example.helo.rep.example "$got" \
    '^550 5\.7\.1 .*HELO badhelo\.example is listed by helo\.rep\.example'
got=$(send_mail 25 198.51.100.20 mail.bank.example news@bank.example)
result "honest client" "$(wire_ip 198.51.100.20 ip)" "$got" '^250 2\.0\.0 [^ ]* Message accepted.*'
got=$(send_mail 25 198.51.100.20 mail.bank.example '')
check_has "null sender: accepted" "$got" '^250 2\.0\.0 [^ ]* Message accepted'
got=$(send_mail 25 2001:db8:bad::9 client.isp.example a@ngo.example)
result "IPv6 client with a bad score: not asked for" - "$got" '^250 2\.0\.0 [^ ]* Message accepted.*'

stop repdnsd || true
got=$(send_mail 25 203.0.113.10 ten.isp.example a@good.example)
result "any client while repdnsd is away" - "$got" '^250 2\.0\.0 [^ ]* Message accepted.*'
e2e_end
