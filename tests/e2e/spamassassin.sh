#!/bin/bash
# SpamAssassin asks repdnsd: check_rbl on the address zone, askdns on the pair zone, whose verdict
# (SPF fail) comes from a mail log and DNS. Only the namespace's own resolver is asked.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin spamassassin 240 "$@"
need spamassassin unbound /repdnsd /repdns-load /tests/tools/dnsfixture

mkdir "$RUN/lists"
echo '203.0.113.7 :127.0.0.2:$ was blocked by hand' >"$RUN/lists/clients"
awk -f "$E2E_DIR/mailworld/maillog.awk" "$E2E_DIR/mailworld/sessions" >"$RUN/mail.log"
state_folder "$RUN/state"
write_conf "$RUN/repdns.conf" "$RUN/state"
cat >>"$RUN/repdns.conf" <<EOF_CONF
log { path = "$RUN/mail.log" }
list "clients" { type = ip4set  files = {"$RUN/lists/clients"} }
EOF_CONF

serve_mailworld "repdns-load run judges the log"
for client in 203.0.113.9 2001:db8:bad::9; do
    check_eq "the pair zone lists $client with bank.example" \
        "$(ask "$(reverse "$client").bank.example.pair.rep.example" A)" 127.0.2.4
done

# Rules of our own alone, so that a hit is ours.
mkdir -p "$RUN/sa/rules" "$RUN/sa/site" "$RUN/sa/home"
export HOME=$RUN/sa/home
cat >"$RUN/sa/rules/init.pre" <<'EOF_PRE'
loadplugin Mail::SpamAssassin::Plugin::Check
loadplugin Mail::SpamAssassin::Plugin::DNSEval
loadplugin Mail::SpamAssassin::Plugin::AskDNS
EOF_PRE
cat >"$RUN/sa/rules/repdns.cf" <<EOF_CF
dns_available yes
dns_server $RESOLVER
trusted_networks 192.0.2.0/24 2001:db8::/64
internal_networks 192.0.2.0/24 2001:db8::/64
use_bayes 0
util_rb_tld example
clear_headers
add_header all Status "_YESNO_ hits=_TESTS(,)_"

header   __REP_IP     eval:check_rbl('rep-lastexternal', 'ip.rep.example.')
tflags   __REP_IP     net
header   REP_OPERATOR eval:check_rbl_sub('rep-lastexternal', '127.0.0.2')
tflags   REP_OPERATOR net
score    REP_OPERATOR 4
header   REP_SCORE    eval:check_rbl_sub('rep-lastexternal', '127.0.0.3')
tflags   REP_SCORE    net
score    REP_SCORE    4
header   REP_TEXT     eval:check_rbl_txt('reptext-lastexternal', 'ip.rep.example.', '(?i)blocked by hand')
tflags   REP_TEXT     net
score    REP_TEXT     0.1
askdns   REP_PAIR     _LASTEXTERNALREVIP_._SENDERDOMAIN_.pair.rep.example A 127.0.2.4
tflags   REP_PAIR     net
score    REP_PAIR     3
EOF_CF

# hits CLIENT SENDER: the rules that a message hits.
hits() {
    local literal=$1
    case $1 in
    *:*) literal=IPv6:$1 ;;
    esac
    timeout 60 spamassassin -x -p /dev/null -C "$RUN/sa/rules" --siteconfigpath="$RUN/sa/site" \
        2>>"$RUN/sa.log" <<EOF_MAIL | sed -n 's/^X-Spam-Status: .*hits=//p'
Return-Path: <$2>
Received: from client.isp.example (unknown [$literal])
	by mx.test.example (Postfix) with ESMTP id 4B000AAE60
	for <user@test.example>; Fri, 20 Nov 2026 11:00:00 +0000 (UTC)
Date: Fri, 20 Nov 2026 11:00:00 +0000
From: Somebody <$2>
To: user@test.example
Subject: your account
Message-ID: <1@client.isp.example>

Hello.
EOF_MAIL
}

got=$(hits 203.0.113.7 a@good.example)
check_has "listed IPv4 client: check_rbl by code" "$got" 'REP_OPERATOR'
check_has "listed IPv4 client: check_rbl_txt sees our text" "$got" 'REP_TEXT'
check_hasnt "listed IPv4 client: no other code" "$got" 'REP_SCORE'
check_has "a pair never seen: the policy answers" "$got" 'REP_PAIR'
got=$(hits 203.0.113.9 news@bank.example)
check_has "IPv4 client that SPF forbids: askdns on the pair" "$got" 'REP_PAIR'
got=$(hits 2001:db8:bad::9 news@bank.example)
check_has "IPv6 client that SPF forbids: askdns on the pair" "$got" 'REP_PAIR'
check_has "IPv6 client with a bad record: check_rbl" "$got" 'REP_SCORE'
got=$(hits 203.0.113.9 a@ngo.example)
check_hasnt "the same client, another domain: no pair" "$got" 'REP_PAIR'
got=$(hits 198.51.100.20 news@bank.example)
check_hasnt "the domain's own IPv4 client: nothing" "$got" 'REP_'
got=$(hits 2001:db8:ba2c::9 news@bank.example)
check_hasnt "the domain's own IPv6 client: nothing" "$got" 'REP_'
check_hasnt "SpamAssassin has nothing to complain of" "$(cat "$RUN/sa.log")" 'warn:|error:'
e2e_end
