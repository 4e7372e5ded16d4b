#!/bin/bash
# Sender policies from DNS to the zones pair and spf, run after run: every result, for addresses
# never seen; policies that change, vanish, break, time out and come back; limits.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin policies 60 "$@"
need /repdnsd /repdns-load /repdns /tests/tools/dnsfixture

export TZ=UTC
CONF=$RUN/repdns.conf
# The server judges limits by the clock, and the loader by --as-of: from now on.
NOW=$(date +%s)
DAY_S=86400 TTL_S=300 # TTL_S: of dnsfixture, and min_ttl
STRANGER=203.0.113.77 STRANGER6=2001:db8:bad::77
REVERSE6=$(reverse $STRANGER6)

# conf_of FILE STATE_DIR [OPTIONS]: options of the section spf.
conf_of() {
    write_conf "$1" "$2"
    sed -i 's/^resolver_tries.*/resolver_tries = 1/' "$1"
    cat >>"$1" <<EOF_CONF
log { path = "$RUN/mail.log" }
zone "spf" { enabled = yes }
zone "world" { kind = name  datasets = {"judged.dom"}  show = {"spf-world"} }
spf { keep = "2d"  domains = {"$RUN/known"}  ${3:-} }
EOF_CONF
}

counted() { # REGEX: this part of the summary line
    grep -o -- "$1" "$RUN/load.log"
}

# run_at SECONDS [CONF]: a run so many seconds from now; sets ASKED, FAILING and RECORDS.
run_at() {
    local rc=0
    load "${2:-$CONF}" --as-of $((NOW + $1)) run >"$RUN/load.log" 2>&1 || rc=$?
    [ "$rc" = 0 ] || e2e_stop "repdns-load at $1: exit code $rc" "$(cat "$RUN/load.log")"
    ASKED=$(counted '[0-9]* asked' | cut -d' ' -f1)
    FAILING=$(counted '[0-9]* failed' | cut -d' ' -f1)
    RECORDS=$(counted '[0-9]* records put, [0-9]* deleted')
}

# name_in ZONE ADDRESS DOMAIN: the name to ask for.
name_in() {
    local a b c d
    case $2 in
    "$STRANGER6") echo "$REVERSE6.$3.$1.rep.example" ;;
    *:*) echo "$(reverse "$2").$3.$1.rep.example" ;;
    *) IFS=. read -r a b c d <<<"$2" && echo "$d.$c.$b.$a.$3.$1.rep.example" ;;
    esac
}

# in_zone ZONE ADDRESS DOMAIN [TYPE]
in_zone() {
    ask "$(name_in "$1" "$2" "$3")" "${4:-A}"
}

# check_pair WHAT ADDRESS DOMAIN RESULT: the code that spf. has, "" for none; pair. has fails alone.
check_pair() {
    local listed=
    [ "$4" != 127.0.2.4 ] || listed=$4
    check_eq "$1" "$(in_zone spf "$2" "$3") $(in_zone pair "$2" "$3")" "$4 $listed"
}

# changes RECORDS...: from now on DNS has these beside what stays.
changes() {
    printf '%s\n' "$@" >"$RUN/changing.zone"
    stop fixture || true
    start_fixture "$RUN/fixed.zone" "$RUN/changing.zone"
}

session() { # ADDRESS SENDER [HELO]
    printf '%s\t%s\tunknown\t%s\t%s\n' "$(date -d "@$((NOW - 3600))" '+%b %e %T')" "$1" \
        "${3:-mail.isp.example}" "$2"
}

{
    for domain in plain none neutral soft broken explained world void changing dynamic partly; do
        session 198.51.100.10 "a@$domain.example"
    done
    session 203.0.113.7 a@dynamic.example
    session 203.0.113.8 a@dynamic.example
    session 203.0.113.7 a@partly.example
    session 198.51.100.10 '' relay.helo.example
} | awk -f "$E2E_DIR/mailworld/maillog.awk" >"$RUN/mail.log"
echo 'known.example # nobody wrote' >"$RUN/known"
cat >"$RUN/fixed.zone" <<'EOF_ZONE'
plain.example TXT "v=spf1 ip4:198.51.100.0/24 ip6:2001:db8:600d::/48 -all"
none.example A 198.51.100.1
neutral.example TXT "v=spf1 ip4:198.51.100.0/24 ?all"
soft.example TXT "v=spf1 ip4:198.51.100.0/24 ~all"
broken.example TXT "v=spf1 ip4:198.51.100.0/24 colour:blue -all"
explained.example TXT "v=spf1 ip4:198.51.100.0/24 -all exp=why.explained.example"
why.explained.example TXT "%{i} is none of %{d}'s hosts"
world.example TXT "v=spf1 ip4:0.0.0.0/0 -all"
void.example TXT "v=spf1 a:v1.void.example a:v2.void.example a:v3.void.example ~all"
known.example TXT "v=spf1 ip4:198.51.100.0/24 -all"
relay.helo.example TXT "v=spf1 ip4:198.51.100.0/24 -all"
dynamic.example TXT "v=spf1 ip4:198.51.100.0/24 exists:%{ir}.list.dynamic.example -all"
7.113.0.203.list.dynamic.example A 127.0.0.2
partly.example TXT "v=spf1 ip4:198.51.100.0/24 include:fails.example -all"
fails.example SERVFAIL
EOF_ZONE
CHANGING='changing.example TXT "v=spf1 ip4:198.51.100.0/24 -all"'
state_folder "$RUN/state"
conf_of "$CONF" "$RUN/state"

echo "# every result, of addresses that were never seen"
changes "$CHANGING"
run_at 0
start_server "$CONF"
check_pair "pass" 198.51.100.77 plain.example 127.0.2.3
check_pair "fail" $STRANGER plain.example 127.0.2.4
check_pair "pass, IPv6" 2001:db8:600d::77 plain.example 127.0.2.3
check_pair "fail, IPv6" $STRANGER6 plain.example 127.0.2.4
check_pair "none" $STRANGER none.example 127.0.2.1
check_pair "neutral" $STRANGER neutral.example 127.0.2.2
check_pair "softfail" $STRANGER soft.example 127.0.2.5
check_pair "permerror" $STRANGER broken.example 127.0.2.7
check_pair "a domain that nobody knows" $STRANGER unknown.example ""
check_pair "a name below one that is known" $STRANGER www.plain.example ""
check_eq "an address of ours is never listed" "$(in_zone pair 192.0.2.77 plain.example)" ""
check_eq "it has a result" "$(in_zone spf 192.0.2.77 plain.example)" 127.0.2.4
check_eq "not listed: the name exists" \
    "$(status 77.100.51.198.plain.example.pair.rep.example A)" NOERROR
check_pair "null sender: the HELO name" $STRANGER relay.helo.example 127.0.2.4
check_pair "null sender: pass" 198.51.100.77 relay.helo.example 127.0.2.3
check_pair "a domain of the file: fail" $STRANGER known.example 127.0.2.4
check_pair "a domain of the file: pass" 198.51.100.77 known.example 127.0.2.3
check_pair "a macro: a pair that was seen, pass" 203.0.113.7 dynamic.example 127.0.2.3
check_pair "a macro: a pair that was seen, fail" 203.0.113.8 dynamic.example 127.0.2.4
check_pair "a macro: not seen" $STRANGER dynamic.example ""
check_pair "before the macro" 198.51.100.77 dynamic.example 127.0.2.3
check_pair "before an include that fails" 198.51.100.77 partly.example 127.0.2.3
check_pair "behind it" $STRANGER partly.example ""
check_has "the domain's explanation" "$(in_zone pair $STRANGER explained.example TXT)" \
    "the domain says: ..$STRANGER is none of explained.example's hosts"
check_has "permerror: why" "$(in_zone spf $STRANGER broken.example TXT)" 'NOT A BLOCK LIST.*colour'
check_eq "a policy that passes the world" "$(ask world.example.world.rep.example A)" 127.0.1.22
check_eq "one that does not" "$(ask plain.example.world.rep.example A)" ""

echo "# the same by hand"
spf() {
    setpriv --reuid repdns --regid repdns --clear-groups "$BIN/repdns-load" spf "$@"
}
rc=0
got=$(spf --verify -c "$CONF" 2>&1) || rc=$?
check_one_line "the history's pairs, evaluated both ways" "$got" \
    '^13 pairs compared, 2 dynamic, 1 unknown, 0 differ$'
check_eq "evaluated both ways: exit code" "$rc" 0
for domain in plain none neutral soft broken explained world void changing dynamic partly known \
    relay.helo absent; do
    for address in 198.51.100.77 203.0.113.7 $STRANGER $STRANGER6; do
        printf '%s\thelo.example\ta@%s.example\n' "$address" "$domain"
    done
done >"$RUN/batch"
spf --via pair -c "$CONF" --batch "$RUN/batch" >"$RUN/answers" ||
    fail "spf --via pair: exit code $?"
while IFS=$'\t' read -r address _ from result _; do
    name=$(name_in spf "$address" "${from#*@}")
    echo "$name A" >&3
    case $result in
    none) echo "$name. 127.0.2.1" ;;
    neutral) echo "$name. 127.0.2.2" ;;
    pass) echo "$name. 127.0.2.3" ;;
    fail) echo "$name. 127.0.2.4" ;;
    softfail) echo "$name. 127.0.2.5" ;;
    permerror) echo "$name. 127.0.2.7" ;;
    unknown | dynamic) ;;
    *) echo "$name: $result" ;;
    esac
done < <(paste "$RUN/batch" "$RUN/answers") >"$RUN/by-hand" 3>"$RUN/names"
dig +noall +answer -p "$SERVER_PORT" @127.0.0.1 -f "$RUN/names" |
    awk '{ print $1, $5 }' >"$RUN/by-dig"
check_eq "spf --via pair says what the zone does" "$(diff "$RUN/by-hand" "$RUN/by-dig")" ""
check_eq "of so many senders" "$(wc -l <"$RUN/names") $(wc -l <"$RUN/by-dig")" "56 47"

echo "# nothing changes"
# What fails is asked again in every run.
sed -i 's/^fails.*/fails.example TXT "v=spf1 ?all"/' "$RUN/fixed.zone"
changes "$CHANGING"
run_at 1
check_pair "behind the include that failed" $STRANGER partly.example 127.0.2.4
run_at 1
check_eq "again: nothing is written" "$RECORDS" "0 records put, 0 deleted"
check_eq "again: nothing is asked" "$ASKED" 0
run_at 2
check_eq "a second later: the heartbeat" "$RECORDS" "1 records put, 0 deleted"

echo "# limits of the configuration"
check_pair "three void look-ups" $STRANGER void.example 127.0.2.7
conf_of "$RUN/more.conf" "$RUN/state" "void_limit = 3"
run_at 3 "$RUN/more.conf"
check_pair "void_limit = 3" $STRANGER void.example 127.0.2.5
run_at 4
check_pair "void_limit as it was" $STRANGER void.example 127.0.2.7

echo "# a policy changes"
changes 'changing.example TXT "v=spf1 ip4:203.0.113.0/24 ~all"'
run_at $((TTL_S - 10))
check_eq "before its TTL has passed: nothing is asked" "$ASKED" 0
check_pair "before its TTL has passed" $STRANGER changing.example 127.0.2.4
run_at $((TTL_S + 10))
check_pair "afterwards" $STRANGER changing.example 127.0.2.3
check_pair "afterwards, another address" 198.51.100.77 changing.example 127.0.2.5
changes 'changing.example A 198.51.100.1'
run_at 1000
check_pair "it vanishes" $STRANGER changing.example 127.0.2.1
changes "$CHANGING" 'changing.example TXT "v=spf1 +all"'
run_at 2000
check_pair "there are two" 198.51.100.77 changing.example 127.0.2.7
check_has "there are two: why" "$(in_zone spf 198.51.100.77 changing.example TXT)" \
    "can't be evaluated.*: more than one SPF record"
changes "$CHANGING"
run_at 3000
check_pair "one again" $STRANGER changing.example 127.0.2.4

echo "# it fails"
until=$("$BIN/repdns" -c "$CONF" dump answers |
    sed -n 's/^policy judged.pair changing\.example .* until //p')
limit=$(($(date -d "$until" +%s) - NOW))
check "its limit is keep and up to a half away, in whole days" \
    test $((limit >= 2 * DAY_S + 3000 && limit <= 4 * DAY_S)) = 1
# failing WHEN HOW: what it was stays.
failing() {
    run_at "$1"
    check_pair "$2: the verdict stays" $STRANGER changing.example 127.0.2.4
    check_pair "$2: the pass stays" 198.51.100.77 changing.example 127.0.2.3
    check_eq "$2: failed look-ups" $((FAILING > 0)) 1
}
changes 'changing.example SERVFAIL'
failing 4000 "SERVFAIL"
failing $DAY_S "SERVFAIL, a day later"
changes 'changing.example TIMEOUT'
failing $((2 * DAY_S)) "no answer"
changes 'changing.example SERVFAIL'
failing $((limit - 1)) "a second before the limit"
run_at "$limit"
check_pair "at the limit" $STRANGER changing.example ""
check_pair "at the limit, what passed" 198.51.100.77 changing.example ""
check_eq "no reason either" "$(in_zone spf $STRANGER changing.example TXT)" ""
check_has "no failure of ours" "$(status 77.113.0.203.changing.example.spf.rep.example A)" \
    '^(NOERROR|NXDOMAIN)$'
check_pair "others go on" $STRANGER plain.example 127.0.2.4
changes "$CHANGING"
run_at $((limit + 1000))
check_pair "it comes back" $STRANGER changing.example 127.0.2.4
check_pair "it comes back: pass" 198.51.100.77 changing.example 127.0.2.3

echo "# the file of known domains"
echo other.example >"$RUN/known"
run_at $((limit + 1001))
check_pair "a domain that left it" $STRANGER known.example ""
check_pair "one that is new" $STRANGER other.example 127.0.2.1
rm "$RUN/known"
rc=0
got=$(load "$CONF" --as-of $((NOW + limit + 1002)) run 2>&1 >/dev/null) || rc=$?
check_eq "it is gone: exit code" "$rc" 1
check_one_line "it is gone" "$got" "$RUN/known: No such file"
check_pair "it is gone: what was served stays" $STRANGER plain.example 127.0.2.4
check_pair "and that of the file" $STRANGER other.example 127.0.2.1
echo known.example >"$RUN/known"

echo "# no run comes: the server keeps the limit"
state_folder "$RUN/old"
conf_of "$RUN/old.conf" "$RUN/old"
run_at $((-4 * DAY_S)) "$RUN/old.conf"
stop repdnsd || fail "repdnsd ends with exit code 0"
start_server "$RUN/old.conf"
check_pair "a limit that has passed" $STRANGER known.example ""
check_has "a limit that has passed: by hand" \
    "$(spf --via pair -c "$RUN/old.conf" --ip $STRANGER --helo x --from a@known.example)" '^unknown'
run_at $((-DAY_S)) "$RUN/old.conf"
check_pair "one that has not" $STRANGER known.example 127.0.2.4
e2e_end
