#!/bin/bash
# amavis asks repdnsd by SpamAssassin, with the files of tools/mta/amavis and tools/mta/spamassassin
# taken as they are, among all other rules of the package.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=mta.sh
. "$(dirname "$0")/mta.sh"
e2e_begin amavis 240 "$@"
need spamassassin unbound python3 /repdnsd /repdns-load /tests/tools/dnsfixture
apart amavisd-new
program amavis amavisd-new
add_users amavis

mta_conf
serve_mailworld "repdns-load run makes amavis's world"

# SpamAssassin's folder: as packaged, with our files and a line of whose hops are ours.
AMAVIS=$RUN/amavis
mkdir -p "$AMAVIS/tmp" "$AMAVIS/db" "$RUN/spamassassin" "$RUN/mail"
cp -r /etc/spamassassin/. "$MTA_DIR/spamassassin/"* "$RUN/spamassassin/"
echo 'trusted_networks 192.0.2.0/24 2001:db8::/64
internal_networks 192.0.2.0/24 2001:db8::/64
dns_available yes' >>"$RUN/spamassassin/local.cf"
mount --bind "$RUN/spamassassin" /etc/spamassassin
cat >"$RUN/amavis.conf" <<EOF_CONF
use strict;
\$MYHOME = "$AMAVIS";
\$TEMPBASE = "$AMAVIS/tmp";
\$db_home = "$AMAVIS/db";
\$pid_file = "$AMAVIS/pid";
\$lock_file = "$AMAVIS/lock";
\$daemon_user = "amavis";
\$daemon_group = "amavis";
\$myhostname = "mx.test.example";
\$mydomain = "test.example";
@local_domains_maps = (["test.example"]);
\$max_servers = 1;
\$enable_db = 0;
\$enable_zmq = 0;
\$inet_socket_port = 10024;
\$do_syslog = 0;
\$LOGFILE = "$AMAVIS/log";
\$log_level = 2;
\$forward_method = "smtp:[127.0.0.1]:10025";
\$notify_method = \$forward_method;
\$final_spam_destiny = D_PASS;
\$QUARANTINEDIR = undef;
@bypass_virus_checks_maps = (1);
@bypass_banned_checks_maps = (1);
@decoders = ();
\$bypass_decode_parts = 1;
1;
EOF_CONF
chown -R amavis:amavis "$AMAVIS"
start sink python3 "$E2E_DIR/mailworld/sink.py" 127.0.0.1 10025 "$RUN/mail"
start amavis amavisd -c "$RUN/amavis.conf" -c "$MTA_DIR/amavis/60-repdns" foreground
if ! within 60 listens 127.0.0.1 10024 || ! within 10 listens 127.0.0.1 10025; then
    e2e_stop "amavis starts" "$(cat "$RUN/amavis.log" "$AMAVIS/log" "$RUN/sink.log")"
fi

# header COUNT CLIENT HELO SENDER: what amavis writes into a mail that Postfix hands to it, the COUNTth.
header() {
    local count=$1
    shift
    python3 - "$@" <<'EOF_SEND' >>"$RUN/send.log" 2>&1 || true
import smtplib, sys
client, helo, sender = sys.argv[1:]
literal = "IPv6:" + client if ":" in client else client
smtplib.SMTP("127.0.0.1", 10024, timeout=100).sendmail(sender, ["user@test.example"], f"""\
Received: from {helo} (unknown [{literal}])
	by mx.test.example (Postfix) with ESMTP id 4B000AAE60
	for <user@test.example>; Fri, 20 Nov 2026 11:00:00 +0000 (UTC)
Date: Fri, 20 Nov 2026 11:00:00 +0000
From: Somebody <a@elsewhere.example>
To: user@test.example
Subject: your account
Message-ID: <1@client.isp.example>

Hello.
""")
EOF_SEND
    within 60 test -e "$RUN/mail/$count" || true
    tr -d '\r' <"$RUN/mail/$count" | sed '/^$/,$d' | sed -n '/^X-Spam-Status/,/^[^[:space:]]/p' |
        tr -d '\n\t '
}

got=$(header 1 203.0.113.7 seven.isp.example a@ngo.example)
result "client on a list" "$(wire_ip 203.0.113.7 ip)" "$got" 'REPDNS_IP_LISTED=4'
got=$(header 2 203.0.113.9 laptop.isp.example news@bank.example)
result "address that the domain's SPF forbids" 9.113.0.203.bank.example.pair.rep.example "$got" \
    'REPDNS_SPF_FAIL=2\.5'
got=$(header 3 2001:db8:bad::9 client.isp.example a@gone.example)
result "IPv6 client with a bad score" "$(wire_ip 2001:db8:bad::9 ip)" "$got" 'REPDNS_IP_SCORE=3\.5'
result "sender domain that does not exist" gone.example.dom.rep.example "$got" 'REPDNS_DOM=3'
got=$(header 4 198.51.100.20 mail.bank.example news@bank.example)
result "honest client of the domain" 20.100.51.198.bank.example.spf.rep.example "$got" \
    'REPDNS_SPF_PASS=-0\.1'
check_hasnt "and nothing else of ours" "${got//REPDNS_SPF_PASS/}" REPDNS
e2e_end
