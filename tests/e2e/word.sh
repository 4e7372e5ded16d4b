#!/bin/bash
# The operator's word: on the wire within a second, over every run, with an end, a journal and a
# reason; unlisting, which discounts what was known; and forgetting.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin word 180 "$@"
need /repdnsd /repdns-load /repdns /tests/tools/dnsfixture

CONF=$RUN/repdns.conf STATE=$RUN/state
state_folder "$STATE"
write_conf "$CONF" "$STATE"
awk -f "$E2E_DIR/mailworld/maillog.awk" "$E2E_DIR/mailworld/sessions" >"$RUN/mail.log"
cat >>"$CONF" <<EOF_MORE
never_list = {"198.51.100.200"}
log { path = "$RUN/mail.log"  format = "postfix" }
list "bad" { type = ip4set  files = {"$RUN/bad"} }
zone "ip" { private = yes  datasets = {"judged.ip", "bad"} }
zone "hint" { enabled = yes  private = yes }
EOF_MORE
printf '127.0.0.2\n198.51.100.77\n' >"$RUN/bad"

# say WHAT WANTED_CODE ARGUMENTS...: output in $RUN/say.log.
say() {
    local what=$1 wanted=$2 rc=0
    shift 2
    load "$CONF" --as-of "$AS_OF" "$@" >"$RUN/say.log" 2>&1 || rc=$?
    if [ "$rc" = "$wanted" ]; then pass "$what"; else
        fail "$what" "exit code $rc, wanted $wanted" "$(cat "$RUN/say.log")"
    fi
}
explain() {
    "$BIN/repdns" -c "$CONF" --as-of "$AS_OF" explain "$@"
}

start_fixture "$E2E_DIR/mailworld/world.zone"
say "a first run" 0 run
start_server "$CONF"
sed "s|state_dir = .*|state_dir = \"$RUN/other\"|" "$CONF" >"$RUN/other.conf"
state_folder "$RUN/other"
load "$RUN/other.conf" --as-of "$AS_OF" observe >/dev/null
load "$RUN/other.conf" --as-of "$AS_OF" resolve >/dev/null
check_has "a dry run before the first publish" \
    "$(load "$RUN/other.conf" --as-of "$AS_OF" judge --dry-run)" \
    '^\+ judged.ip 203.0.113.9 score,.* for ".*no reverse name'
check "it writes nothing" test ! -e "$RUN/other/answers.mdb"

echo "# on the wire at once"
for n in 1 2 3; do
    begin=$(now_ms)
    load "$CONF" -q --as-of "$AS_OF" block "198.51.100.$n" --note "race $n"
    within 2 answers 127.0.0.2 "$n.100.51.198.ip.rep.example" A || fail "block $n is seen"
    echo $(($(now_ms) - begin))
done >"$RUN/ms"
best=$(sort -n "$RUN/ms" | head -n 1)
if [ "$best" -le 1000 ]; then pass "a block answers after $best ms"; else
    fail "a block answers within a second" "$(tr '\n' ' ' <"$RUN/ms")"
fi

echo "# block, allow"
say "a network is blocked" 0 block 203.0.113.128/25 --for 30d --note 'rented to "spammers"'
check_has "it says when that ends" "$(cat "$RUN/say.log")" '^repdns-load block: until 2026-12-20T12:00:00Z; [0-9]+ rec'
say "an option of another command" 2 run --for 30d
check_has "it says what is wrong" "$(head -n 1 "$RUN/say.log")" '^repdns-load run: it has no --for'
check_eq "its A" "$(ask 130.113.0.203.ip.rep.example A)" 127.0.0.2
check_eq "not its neighbour's" "$(ask 127.113.0.203.ip.rep.example A)" ""
say "one of it is allowed" 0 allow 203.0.113.130 --note 'a customer of ours'
check_eq "allow beats block" "$(status 130.113.0.203.ip.rep.example A)" NXDOMAIN
check_eq "the others stay" "$(ask 131.113.0.203.ip.rep.example A)" 127.0.0.2
say "in the other order" 0 block 203.0.113.130 --note 'again'
check_eq "allow beats block still" "$(ask 130.113.0.203.ip.rep.example A)" ""
check_has "which is told" "$(cat "$RUN/say.log")" 'allow 203.0.113.130 holds for it too'
check_eq "a list lists" "$(ask 77.100.51.198.ip.rep.example A)" 127.0.0.2
say "an address of a list is allowed" 0 allow 198.51.100.77 --note 'not bad'
check_eq "allow beats lists" "$(ask 77.100.51.198.ip.rep.example A)" ""
say "IPv6" 0 block 2001:db8:bad::/48 --note 'v6'
check_eq "its A" "$(ask "$(reverse 2001:db8:bad:1::77).ip.rep.example" A)" 127.0.0.2
say "a name" 0 block Example.NET --note 'dom'
check_eq "as sender" "$(ask example.net.dom.rep.example A)" 127.0.1.2
check_eq "below it" "$(ask a.b.example.net.dom.rep.example A)" 127.0.1.2
check_eq "as HELO" "$(ask mail.example.net.helo.rep.example A)" 127.0.1.2
say "a name below is allowed" 0 allow good.example.net --note 'dom'
check_eq "it and all below it" "$(ask x.good.example.net.dom.rep.example A)" ""
check_eq "a name above exists" "$(status net.dom.rep.example A)" NOERROR

echo "# what may not be said"
say "never_list holds" 2 block 198.51.100.200 --note x
say "in a network, unless forced" 2 block 198.51.100.128/25 --note x
say "forced" 0 --force block 198.51.100.128/25 --note x
check_eq "it is not listed" "$(ask 200.100.51.198.ip.rep.example A)" ""
check_eq "the rest is" "$(ask 201.100.51.198.ip.rep.example A)" 127.0.0.2
say "own names" 2 block test.example --note x
say "the Internet" 2 block 0.0.0.0/1 --note x
say "no note" 2 block 198.51.100.9
say "no subject" 2 block --note x
say "no name" 2 block 'a b' --note x
say "host bits" 2 block 203.0.113.129/25 --note x
say "no duration" 2 block 198.51.100.9 --for soon --note x
check_eq "nothing of it happened" "$(ask 9.100.51.198.ip.rep.example A)" ""

echo "# over every run, and to its end"
say "a run" 0 run
check_eq "a block survives it" "$(ask 131.113.0.203.ip.rep.example A)" 127.0.0.2
check_eq "an allow too" "$(ask 130.113.0.203.ip.rep.example A)" ""
say "words" 0 word
check_has "are shown" "$(cat "$RUN/say.log")" \
    '^block 203.0.113.128/25 since 2026-11-20T12:00:00Z until 2026-12-20T12:00:00Z by "repdns" note "rented to \\"spammers\\""$'
check_has "the reason" "$(explain 203.0.113.131)" 'the operator: block 203.0.113.128/25 .*rented'
check_has "the verdict" "$(explain 203.0.113.130)" 'never listed: the operator allows 203.0.113.130'
check_has "served" "$(explain 203.0.113.131)" 'ip.rep.example, by judged.word.ip: 127.0.0.2 operator'
say "one is taken back" 0 word undo 198.51.100.77 --note 'bad after all'
check_eq "the list lists again" "$(ask 77.100.51.198.ip.rep.example A)" 127.0.0.2
say "the journal" 0 word log
check_eq "has all that was said" "$(grep -c . "$RUN/say.log")" 12
check_has "and taken back" "$(tail -1 "$RUN/say.log")" '^undo 198.51.100.77 .* note "bad after all"$'
load "$CONF" --as-of 2026-12-21T12:00:00 -q publish >/dev/null 2>&1 || true
check_eq "a block ends" "$(ask 131.113.0.203.ip.rep.example A)" ""
check_eq "one without an end stays" "$(ask 1.100.51.198.ip.rep.example A)" 127.0.0.2
check_has "TXT says who and why where that may be" "$(ask 1.100.51.198.ip.rep.example TXT)" \
    'since 20.*blocked by repdns: race 1'

echo "# unlisted"
say "back to the day" 0 run
whatif() {
    "$BIN/repdns" -c "$CONF" --as-of "$AS_OF" whatif "$@" 2>&1 || true
}
whatif --last 30d >"$RUN/whatif"
check_has "what would have been rejected: an address" "$(cat "$RUN/whatif")" \
    '^accepted 203.0.113.9 - 3 sessions 2026-11-10T10:00:01Z to 2026-11-11T10:00:01Z by ip.rep.example .*score'
check_has "a sender" "$(cat "$RUN/whatif")" \
    '^accepted 198.51.100.99 gone.example 1 sessions .* by dom.rep.example domain-absent$'
check_has "a pair" "$(cat "$RUN/whatif")" '^accepted 203.0.113.9 [a-z]+.example .* by pair.rep.example spf-fail$'
check_hasnt "nothing of own or informational zones" "$(cat "$RUN/whatif")" ' by (hint|spf|score).rep'
check_eq "outside the window" "$(whatif --last 1d | grep -c ' sessions .* by ')" 0
check_has "one zone" "$(whatif --last 30d --zone hint)" ' by hint.rep.example '
check_hasnt "and no other" "$(whatif --last 30d --zone hint)" ' by ip.rep.example '
check_has "no zone" "$(whatif --zone nowhere)" 'there is no zone "nowhere"'
check_eq "judging lists an address" "$(ask 9.113.0.203.ip.rep.example A | head -1)" 127.0.0.3
say "it is unlisted" 0 unlist 203.0.113.9 --note 'cleaned'
check_eq "at once" "$(ask 9.113.0.203.ip.rep.example A)" ""
say "judged anew" 0 run
check_eq "it does not return" "$(ask 9.113.0.203.ip.rep.example A)" ""
say "words" 0 word
check_hasnt "no word is needed for that" "$(cat "$RUN/say.log")" 'unlist'
say "a block and its unlisting" 0 block 203.0.113.50 --note x
say "the other" 0 unlist 203.0.113.50 --note x
check_eq "takes the block back" "$(ask 50.113.0.203.ip.rep.example A)" ""

echo "# tried before"
say "a dry run" 0 judge --dry-run
check_has "nothing would change" "$(cat "$RUN/say.log")" '^0 anew, 0 no more, 0 with other reasons'
say "in another month" 0 --as-of 2027-01-30T12:00:00 judge --dry-run
check_has "what would go is told" "$(cat "$RUN/say.log")" '^[-~] judged.ip 2001:db8:bad::/64 '
{
    cat "$CONF"
    echo 'never_list = {"203.0.113.0/24", "2001:db8:bad::/64"}'
} >"$RUN/never.conf"
load "$RUN/never.conf" --as-of "$AS_OF" judge --dry-run >"$RUN/say.log"
check_has "what would never be listed" "$(cat "$RUN/say.log")" '^- judged.ip 2001:db8:bad::/64 '
check_hasnt "scores are not told" "$(cat "$RUN/say.log")" '^[-+~] judged.(score|trust)'
say "dry runs of other stages" 2 publish --dry-run

echo "# forgotten"
say "of an address that is spoken of" 0 allow 198.51.100.20 --note x
check_has "the words are dumped" "$("$BIN/repdns" -c "$CONF" dump lists)" '^word allow 198.51.100.20 since'
say "an address" 0 forget 198.51.100.20
check_has "what went is told" "$(cat "$RUN/say.log")" \
    '^198.51.100.20: erased 1 clients, 1 HELO names, 1 sender domains, .* DNS answers'
# That a domain's SPF policy names an address is what the domain says.
for store in history answers lists; do
    check_hasnt "not in $store" "$("$BIN/repdns" -c "$CONF" dump $store)" \
        '^(client|helo|pair|address|evidence|word|journal) .*198\.51\.100\.20( |$)|dns PTR 20\.100\.51'
done
say "again" 0 forget 198.51.100.20
check_has "nothing is left" "$(cat "$RUN/say.log")" \
    ': erased 0 clients, 0 HELO names, 0 sender domains, 0 reverse names, 0 DNS answers, 0 policies, 0 words, 0 journal entries$'
say "a blocked one, whose block is kept" 0 forget --keep-word 198.51.100.1
check_eq "it is" "$(ask 1.100.51.198.ip.rep.example A)" 127.0.0.2
say "and is not" 0 forget 198.51.100.1
check_eq "it is gone" "$(ask 1.100.51.198.ip.rep.example A)" ""
say "a domain" 0 forget bank.example
for store in history answers lists; do
    check_hasnt "bank.example is not in $store" "$("$BIN/repdns" -c "$CONF" dump $store)" 'bank\.example'
done

e2e_end
