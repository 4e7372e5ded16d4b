#!/bin/bash
# SpamAssassin asks repdnsd by the rules of tools/mta/spamassassin, taken as they are: codes of the
# address zones, askdns on the pair, and links. Only the namespace's own resolver is asked.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=mta.sh
. "$(dirname "$0")/mta.sh"
e2e_begin spamassassin 240 "$@"
need spamassassin unbound /repdnsd /repdns-load /tests/tools/dnsfixture
program SpamAssassin spamassassin

mta_conf
serve_mailworld "repdns-load run judges the log"
for client in 203.0.113.9 2001:db8:bad::9; do
    check_eq "the pair zone lists $client with bank.example" \
        "$(ask "$(reverse "$client").bank.example.pair.rep.example" A)" 127.0.2.4
done

# All rules of the package beside ours: nothing to complain of. What it says of a missing home is not
# about rules.
mkdir -p "$RUN/sa/lint" "$RUN/sa/rules" "$RUN/sa/site" "$RUN/sa/home"
export HOME=$RUN/sa/home
cp /etc/spamassassin/*.pre /etc/spamassassin/*.cf "$MTA_DIR/spamassassin"/* "$RUN/sa/lint/"
rc=0
got=$(timeout 100 spamassassin --lint -x -p /dev/null --siteconfigpath="$RUN/sa/lint" 2>&1) || rc=$?
check_eq "spamassassin --lint" "$rc $got" '0 '

# Rules of our own alone, so that a hit is ours.
echo 'loadplugin Mail::SpamAssassin::Plugin::Check' >"$RUN/sa/rules/init.pre"
cp "$MTA_DIR/spamassassin"/* "$RUN/sa/rules/"
cat >"$RUN/sa/site/local.cf" <<EOF_CF
dns_available yes
dns_server $RESOLVER
trusted_networks 192.0.2.0/24 2001:db8::/64
internal_networks 192.0.2.0/24 2001:db8::/64
use_bayes 0
util_rb_tld example
clear_headers
fold_headers 0
add_header all Status "_YESNO_ hits=_TESTSSCORES(,)_"

header   REP_TEXT     eval:check_rbl_txt('reptext-lastexternal', 'ip.rep.example.', '(?i)blocked by hand')
tflags   REP_TEXT     net
score    REP_TEXT     0.1
EOF_CF

# hits CLIENT HELO SENDER [RDNS]: the rules that a message hits, with their scores.
hits() {
    local literal=$1
    case $1 in
    *:*) literal=IPv6:$1 ;;
    esac
    timeout 60 spamassassin -x -p /dev/null -C "$RUN/sa/rules" --siteconfigpath="$RUN/sa/site" \
        2>>"$RUN/sa.log" <<EOF_MAIL | sed -n 's/^X-Spam-Status: .*hits=//p'
Return-Path: <$3>
Received: from $2 (${4:-unknown} [$literal])
	by mx.test.example (Postfix) with ESMTP id 4B000AAE60
	for <user@test.example>; Fri, 20 Nov 2026 11:00:00 +0000 (UTC)
Date: Fri, 20 Nov 2026 11:00:00 +0000
From: Somebody <a@elsewhere.example>
To: user@test.example
Subject: your account
Message-ID: <1@client.isp.example>

Look at http://www.shop.linked.example/ now.
EOF_MAIL
}

echo linked.example >>"$RUN/lists/names"
load "$RUN/repdns.conf" run --as-of "$AS_OF" >>"$RUN/load.log" 2>&1
within 5 answers 127.0.1.2 linked.example.dom.rep.example A || true

got=$(hits 203.0.113.7 seven.isp.example a@good.example)
result "client on a list" "$(wire_ip 203.0.113.7 ip)" "$got" 'REPDNS_IP_LISTED=4'
result "the list's text" "$(wire_ip 203.0.113.7 ip)/TXT" "$got" 'REP_TEXT=0\.1'
result "link to a listed domain" linked.example.dom.rep.example "$got" 'REPDNS_URI=3'
check_hasnt "client on a list: no other code" "$got" 'REPDNS_IP_SCORE'
result "a pair never seen: the policy answers" 7.113.0.203.good.example.pair.rep.example "$got" \
    'REPDNS_SPF_FAIL=2\.5'
got=$(hits 203.0.113.9 laptop.isp.example news@bank.example)
result "address that the domain's SPF forbids" 9.113.0.203.bank.example.pair.rep.example "$got" \
    'REPDNS_SPF_FAIL=2\.5'
result "client without a reverse name" "$(wire_ip 203.0.113.9 hint)" "$got" 'REPDNS_RDNS_NONE=0\.8'
got=$(hits 2001:db8:bad::9 client.isp.example news@bank.example)
result "IPv6 address that the domain's SPF forbids" \
    "$(reverse 2001:db8:bad::9).bank.example.pair.rep.example" "$got" 'REPDNS_SPF_FAIL=2\.5'
result "IPv6 client with a bad score" "$(wire_ip 2001:db8:bad::9 ip)" "$got" 'REPDNS_IP_SCORE=3\.5'
got=$(hits 203.0.113.9 laptop.isp.example a@ngo.example)
check_hasnt "the same client, another domain: no pair" "$got" 'SPF_FAIL'
got=$(hits 203.0.113.10 bank.example '')
result "null sender, by its HELO name" 10.113.0.203.bank.example.pair.rep.example "$got" \
    'REPDNS_HELO_SPF_FAIL=1\.5'
got=$(hits 203.0.113.10 badhelo.example a@gone.example host.spammer.example)
result "sender domain that does not exist" gone.example.dom.rep.example "$got" 'REPDNS_DOM=3'
result "listed HELO name" badhelo.example.helo.rep.example "$got" 'REPDNS_HELO=2'
got=$(hits 203.0.113.10 ten.isp.example a@ngo.example x.wild.example)
result "listed reverse name" x.wild.example.dom.rep.example "$got" 'REPDNS_RDNS=2'
got=$(hits 198.51.100.99 relay.ngo.example a@ngo.example relay.ngo.example)
result "welcome client" "$(wire_ip 198.51.100.99 ok)" "$got" 'REPDNS_OK=-3'
got=$(hits 198.51.100.20 mail.bank.example news@bank.example mail.bank.example)
result "honest client of the domain" 20.100.51.198.bank.example.spf.rep.example "$got" \
    'REPDNS_SPF_PASS=-0\.1'
# others GOT: without what the domain's own client and the link hit.
others() {
    tr ',' '\n' <<<"$1" | grep -vE 'REPDNS_(SPF_PASS|URI)=' || true
}
check_hasnt "the domain's own IPv4 client: nothing else" "$(others "$got")" 'REPDNS_'
got=$(hits 2001:db8:ba2c::9 mail.bank.example news@bank.example mail.bank.example)
check_hasnt "the domain's own IPv6 client: nothing else" "$(others "$got")" 'REPDNS_'
check_hasnt "SpamAssassin has nothing to complain of" "$(cat "$RUN/sa.log")" 'warn:|error:'

stop repdnsd || true
got=$(hits 203.0.113.8 eight.isp.example a@ngo.example)
check_hasnt "without repdnsd: no hit but what the resolver remembers" "${got//REPDNS_URI/}" 'REPDNS_'
e2e_end
