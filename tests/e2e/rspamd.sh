#!/bin/bash
# rspamd asks repdnsd by the files of tools/mta/rspamd, taken as they are, within its configuration as
# packaged.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=mta.sh
. "$(dirname "$0")/mta.sh"
e2e_begin rspamd 300 "$@"
need unbound /repdnsd /repdns-load /tests/tools/dnsfixture
apart rspamd
program rspamd rspamd
add_users _rspamd

mta_conf
serve_mailworld "repdns-load run makes rspamd's world"

# rspamd's folders, by the variables of its configuration.
RSPAMD=$RUN/rspamd
mkdir -p "$RSPAMD/db" "$RSPAMD/run" "$RSPAMD/log"
cp -r "$APART_DIR/rspamd/etc/rspamd" "$RSPAMD/etc"
cp "$MTA_DIR/rspamd/rbl.conf" "$MTA_DIR/rspamd/groups.conf" "$RSPAMD/etc/local.d/"
cat >"$RSPAMD/etc/local.d/logging.inc" <<EOF_LOG
type = "file";
filename = "$RSPAMD/log/rspamd.log";
level = "info";
EOF_LOG
# Probes of the lists come every few seconds, and not once a minute.
echo 'monitoring_watch_interval = 2s;' >"$RSPAMD/etc/local.d/options.inc"
chown -R _rspamd:_rspamd "$RSPAMD"
VARS=(--var="CONFDIR=$RSPAMD/etc" --var="LOCAL_CONFDIR=$RSPAMD/etc" --var="DBDIR=$RSPAMD/db"
    --var="RUNDIR=$RSPAMD/run" --var="LOGDIR=$RSPAMD/log")

got=$(timeout 60 rspamadm "${VARS[@]}" configtest -c "$RSPAMD/etc/rspamd.conf" 2>&1 || true)
check_has "rspamadm configtest" "$got" '^syntax OK$'
check_hasnt "rspamadm configtest has nothing to say of ours" "$got" '[Rr][Ee][Pp][Dd][Nn][Ss]'

start rspamd rspamd -f -u _rspamd -g _rspamd -c "$RSPAMD/etc/rspamd.conf" "${VARS[@]}"
if ! within 120 listens 127.0.0.1 11333; then
    e2e_stop "rspamd starts" "$(tail -n 20 "$RSPAMD/log/rspamd.log")"
fi

# symbols CLIENT HELO SENDER: the symbols of a message, with their weights.
symbols() {
    timeout 60 rspamc -h 127.0.0.1:11333 -i "$1" --helo "$2" --from "$3" --rcpt user@test.example \
        symbols <<EOF_MAIL 2>&1 | grep -E 'REPDNS|Action|[Ee]rror' || true
From: Somebody <a@elsewhere.example>
To: user@test.example
Subject: your account
Date: Fri, 20 Nov 2026 11:00:00 +0000
Message-ID: <1@client.isp.example>

Hello.
EOF_MAIL
}

got=$(symbols 203.0.113.7 seven.isp.example a@ngo.example)
result "client on a list" "$(wire_ip 203.0.113.7 ip)" "$got" 'REPDNS_IP_LISTED \(6\.00\)'
check_hasnt "client on a list: no other code of the zone" "$got" 'REPDNS_IP_SCORE'
got=$(symbols 2001:db8:bad::9 client.isp.example a@good.example)
result "IPv6 client with a bad score" "$(wire_ip 2001:db8:bad::9 ip)" "$got" 'REPDNS_IP_SCORE \(5\.00\)'
result "IPv6 client, a reason beside it" "$(wire_ip 2001:db8:bad::9 hint)" "$got" \
    'REPDNS_HELO_INVALID \(1\.00\)'
got=$(symbols 198.51.100.20 mail.bank.example a@spammer.example)
result "listed sender domain" spammer.example.dom.rep.example "$got" 'REPDNS_DOM_LISTED \(5\.00\)'
got=$(symbols 198.51.100.20 mail.bank.example a@gone.example)
result "sender domain that does not exist" gone.example.dom.rep.example "$got" \
    'REPDNS_DOM_ABSENT \(4\.00\)'
got=$(symbols 198.51.100.20 badhelo.example news@bank.example)
result "listed HELO name" badhelo.example.helo.rep.example "$got" 'REPDNS_HELO_LISTED \(4\.00\)'
result "honest client of the domain" 20.100.51.198.bank.example.spf.rep.example "$got" \
    'REPDNS_SPF_PASS \(-0\.20\)'
got=$(symbols 203.0.113.10 ten.isp.example news@bank.example)
result "address that the domain's SPF forbids" 10.113.0.203.bank.example.spf.rep.example "$got" \
    'REPDNS_SPF_FAIL \(3\.00\)'
result "client without a reverse name" "$(wire_ip 203.0.113.10 hint)" "$got" 'REPDNS_RDNS_NONE \(1\.00\)'
got=$(symbols 2001:db8:c1ea::9 mail.clean.example news@bank.example)
result "IPv6 address that the domain's SPF forbids" \
    "$(reverse 2001:db8:c1ea::9).bank.example.spf.rep.example" "$got" 'REPDNS_SPF_FAIL \(3\.00\)'
got=$(symbols 198.51.100.10 bank.example '')
result "null sender, by its HELO name" 10.100.51.198.bank.example.spf.rep.example "$got" \
    'REPDNS_SPF_FAIL \(3\.00\)'
got=$(symbols 198.51.100.99 relay.ngo.example a@ngo.example)
result "welcome client" "$(wire_ip 198.51.100.99 ok)" "$got" 'REPDNS_OK_HIGH \(-5\.00\)'
got=$(symbols 198.51.100.10 mail.good.example anna@good.example)
result "honest client" "$(wire_ip 198.51.100.10 ip)" "$got" 'REPDNS_SPF_PASS'
check_hasnt "honest client: nothing else" "$(grep -v SPF_PASS <<<"$got")" REPDNS

# It takes a list out of use whose probes are answered wrongly; ours must never be.
asked "rspamd probes the list" 1.0.0.127.ip.rep.example A
check_hasnt "and is content with the answers" "$(cat "$RSPAMD/log/rspamd.log")" \
    'monitored status for|bad address'

stop repdnsd || true
got=$(symbols 203.0.113.8 eight.isp.example a@ngo.example)
result "any client while repdnsd is away" - "$got" 'REPDNS_IP_FAIL \(0\.00\)'
check_hasnt "and no symbol of weight" "$(grep -v '_FAIL (0.00)' <<<"$got")" REPDNS
e2e_end
