#!/bin/bash
# repdns init: what it asks, refuses and writes; and that each line which it prints for a resolver or
# for the zone above works in that program, for a private and for a delegated base.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin init 180 "$@"
need /repdns /repdns-load /repdnsd postconf postmap unbound named dnsmasq

# BIND listens on addresses that an interface has.
ip addr add "$RESOLVER/32" dev lo

DIR=$RUN/files
mkdir "$DIR" "$RUN/postfix"
export MAIL_CONFIG=$RUN/postfix
cat >"$MAIL_CONFIG/main.cf" <<'EOF_CF'
compatibility_level = 3.6
myhostname = mx.test.example
mynetworks = 127.0.0.0/8 [::1]/128 192.0.2.0/24 hash:/etc/postfix/more
inner = 198.51.100.20
smtpd_authorized_xforward_hosts = $inner, 192.0.2.9
EOF_CF
cp /dev/null "$MAIL_CONFIG/master.cf"

# init ARGUMENTS...: sets RC and OUTPUT; nobody to be asked.
init() {
    RC=0
    OUTPUT=$("$BIN/repdns" init "$@" 2>&1 </dev/null) || RC=$?
}

echo "# what is refused"
init -c "$DIR/a.conf" --base rep.local
check_eq "a base below .local: exit code" "$RC" 2
check_has "it says why" "$OUTPUT" 'multicast'
init -c "$DIR/a.conf" --base test.example
check_has "a base that is the domain itself" "$OUTPUT" 'name below it'
init -c "$DIR/a.conf" --log mail.log
check_has "a log without a whole path" "$OUTPUT" 'no whole path'
init -c "$DIR/a.conf" --contact nobody
check_has "a contact that is no mailbox" "$OUTPUT" 'no mail address'
init -c "$DIR/a.conf" --url 'https://x/"'
check_eq "a quote in the URL: exit code" "$RC" 2
init -c "$DIR/a.conf" --state "$RUN/a\"  public = yes  x = \""
check_has "a quote in the folder of the stores" "$OUTPUT" '^repdns: --state: '
init -c "$DIR/a.conf" --own example.org
check_has "own networks that are none" "$OUTPUT" 'no network'
check_eq "nothing was written" "$(ls "$DIR")" ""

echo "# what is written, without questions"
init -c "$DIR/a.conf" --base rep.internal --listen "127.0.0.1@$SERVER_PORT" --state "$RUN/a" \
    --log 'exim:/var/log/exim4/mainlog*'
check_eq "exit code" "$RC" 0
check_eq "files" "$(ls "$DIR")" "a.conf
repdns.html"
conf=$(cat "$DIR/a.conf")
check_has "Postfix's domain" "$conf" '^own_names = \{"test\.example"\}$'
check_has "Postfix's networks" "$conf" \
    '^own_networks = \{"127\.0\.0\.0/8", "::1(/128)?", "192\.0\.2\.0/24"\}$'
check_has "Postfix's relays, without its own" "$conf" '^trusted_relays = \{"198\.51\.100\.20(/32)?"\}$'
check_has "Postfix's host serves" "$conf" '^nameservers = \{"mx\.test\.example"\}$'
check_hasnt "a pattern may wait for its files" "$OUTPUT" '^There is no '
check_has "the server that runs must read it" "$OUTPUT" 'have it read this by SIGHUP'
check_has "the log" "$conf" '^log \{ path = "/var/log/exim4/mainlog\*"  format = exim \}$'
check_has "the page has the contact" "$(cat "$DIR/repdns.html")" 'mailto:postmaster@test\.example"'
check_has "lists are tried before they reject" "$OUTPUT" 'warn_if_reject reject_rbl_client ip\.rep\.int'
init -c "$DIR/a.conf" --base rep.other.example
check_eq "again: exit code" "$RC" 1
check_has "it says what is there" "$OUTPUT" 'is there already'
rm "$DIR/repdns.html"
init -c "$DIR/b.conf" --page "$DIR/a.conf"
check_has "a page in the place of another file" "$OUTPUT" 'is there already'
check_eq "the files are as they were" "$(cat "$DIR"/*)" "$conf"
init -c "$DIR/a.conf" --base rep.internal --listen "127.0.0.1@$SERVER_PORT" --state "$RUN/a" --force
check_eq "--force: exit code" "$RC" 0
init -c "$DIR/c.conf" --page "$DIR/c.html" --base rep.internal --log /nowhere/mail.log
check_has "a log that is not there" "$OUTPUT" '^There is no /nowhere/mail\.log yet'
rm "$DIR/c.conf" "$DIR/c.html"
check_hasnt "--force: the new one" "$(cat "$DIR/a.conf")" 'exim4'

echo "# the questions on a terminal"
dialogue=$(python3 - "$BIN/repdns" "$DIR" <<'EOF_PY'
import os, pty, sys
answers = [b"", b"rep.local", b"a" * 290 + b".example", b"rep.asked.example", b"", b"none", b"abuse@asked.example"]
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], "init", "-c", sys.argv[2] + "/asked.conf",
                           "--page", sys.argv[2] + "/asked.html"])
text = b""
try:
    while True:
        got = os.read(fd, 4096)
        if not got:
            break
        text += got
        if got.endswith(b": ") and answers:
            os.write(fd, answers.pop(0) + b"\n")
except OSError:
    pass
print(text.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
EOF_PY
)
check_has "a suggestion is taken by an empty line" "$dialogue" 'mail domain \[test\.example\]'
check_has "a wrong answer is asked again" "$dialogue" 'multicast'
check_has "one that is too long is asked again" "$dialogue" 'at most 255 bytes'
check_has "it ends well" "$dialogue" ' 0$'
check_has "answers are written" "$(cat "$DIR/asked.conf")" '^base = "rep\.asked\.example"$'
check_has "the contact too" "$(cat "$DIR/asked.conf")" '^contact = "abuse@asked\.example"$'
check_has "no such snippet: the names" "$("$BIN/repdns" -c "$DIR/a.conf" snippet none 2>&1 || true)" \
    '"none"; there are: postfix delegation unbound bind dnsmasq resolved shutdown$'
"$BIN/repdns" -c "$DIR/a.conf" snippet postfix >>"$MAIL_CONFIG/main.cf"
check_has "Postfix reads its lines" "$(postconf -n smtpd_recipient_restrictions 2>&1)" \
    "warn_if_reject reject_rhsbl_helo helo\\.rep\\.internal, *check_client_access"
# What the page promises: who is listed can write to the contact.
exempt=$("$BIN/repdns" -c "$DIR/a.conf" snippet postfix | sed -n 's/^ *check_recipient_access \(.*\),$/\1/p')
check_eq "the contact is exempt" "$(postmap -q postmaster@test.example "$exempt")" permit
check_eq "and nobody else" "$(postmap -q office@test.example "$exempt" || true)" ""
check_has "before the lists" "$(postconf -n smtpd_recipient_restrictions 2>&1)" \
    'reject_unauth_destination, *check_recipient_access .*, *warn_if_reject reject_rbl_client'

snippet() { # CONF NAME
    "$BIN/repdns" -c "$1" snippet "$2"
}

# A root key that nothing is signed with: whatever is validated fails, so an answer shows that the
# lines exempt the base.
KEY='257 3 8 "AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU="'

try_unbound() { # CONF
    {
        cat <<EOF_UNBOUND
server:
    directory: "$RUN"
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    interface: $RESOLVER
    access-control: 127.0.0.0/8 allow
    qname-minimisation-strict: yes
    private-address: 127.0.0.0/8
    trust-anchor: ". DNSKEY ${KEY//\"/}"
remote-control:
    control-enable: no
forward-zone:
    name: "."
    forward-addr: 127.0.0.1@$FIXTURE_PORT
EOF_UNBOUND
        snippet "$1" unbound
    } >"$RUN/unbound.conf"
    start resolver unbound -d -c "$RUN/unbound.conf"
}

try_bind() { # CONF
    local except
    except=$(snippet "$1" bind | sed -n 's/^\/\/ *\(validate-except .*\)/\1/p')
    {
        cat <<EOF_BIND
options {
    directory "$RUN";
    pid-file none;
    listen-on { $RESOLVER; };
    listen-on-v6 { none; };
    dnssec-validation yes;
    forwarders { 127.0.0.1 port $FIXTURE_PORT; };
    session-keyfile none;
    $except
};
controls { };
trust-anchors { . static-key $KEY; };
EOF_BIND
        snippet "$1" bind
    } >"$RUN/named.conf"
    start resolver named -g -c "$RUN/named.conf"
}

try_dnsmasq() { # CONF
    snippet "$1" dnsmasq >"$RUN/dnsmasq.conf"
    start resolver dnsmasq -k -C "$RUN/dnsmasq.conf" -a "$RESOLVER" -z -R -h -u root \
        --stop-dns-rebind -x "$RUN/dnsmasq.pid"
}

resolver_has() { # NAME [ADDRESS]
    [ "$(dig +time=$DIG_S +tries=1 +short "@$RESOLVER" "$1" A)" = "${2:-127.0.0.2}" ]
}

resolver_answers() {
    dig +time=$DIG_S +tries=1 "@$RESOLVER" x.test A | grep -q 'status: '
}

# through CONF BASE WHAT...: each resolver with the lines of the configuration.
through() {
    local conf=$1 base=$2 resolver
    shift 2
    for resolver in "$@"; do
        "try_$resolver" "$conf"
        if within 10 resolver_has "2.0.0.127.ip.$base"; then
            pass "$resolver with its lines: the test entry of ip.$base"
        else
            fail "$resolver with its lines: the test entry of ip.$base" "$(tail -n 15 "$RUN/resolver.log")"
        fi
        check "$resolver: the test entry of dom.$base" resolver_has "test.dom.$base" 127.0.1.2
        stop resolver || true
    done
}

echo "# resolvers, for a private base and one that is not delegated"
start_fixture "$E2E_DIR/mailworld/world.zone"
state_folder "$RUN/a"
load "$DIR/a.conf" publish >"$RUN/load.log" 2>&1 || e2e_stop "load" "$(cat "$RUN/load.log")"
start repdnsd "$BIN/repdnsd" -c "$DIR/a.conf"
within 5 answers 127.0.0.2 2.0.0.127.ip.rep.internal A || e2e_stop "the written configuration serves" \
    "$(cat "$RUN/repdnsd.log")"
pass "the written configuration serves"
through "$DIR/a.conf" rep.internal unbound bind dnsmasq
check_hasnt "nothing is to be published" "$(snippet "$DIR/a.conf" delegation)" '^[^;]'
check_has "resolved's lines" "$(snippet "$DIR/a.conf" resolved)" "^DNS=127\.0\.0\.1:$SERVER_PORT\$"

echo "# without them there is no answer, so the lines are what makes it"
eval "$(declare -f snippet | sed '1s/snippet/whole_snippet/')"
snippet() {
    whole_snippet "$@" | grep -vE 'domain-insecure|private-domain|validate-except|rebind-domain-ok'
}
for resolver in unbound bind dnsmasq; do
    "try_$resolver" "$DIR/a.conf"
    within 5 resolver_answers || fail "$resolver answers" "$(tail -n 15 "$RUN/resolver.log")"
    if resolver_has 2.0.0.127.ip.rep.internal; then
        fail "$resolver without the exemption answers all the same"
    else
        pass "$resolver without the exemption has no answer"
    fi
    stop resolver || true
done
unset -f snippet
snippet() {
    whole_snippet "$@"
}
stop repdnsd || true

echo "# a delegated base: the lines for the zone above, and resolvers"
init -c "$DIR/d.conf" --page "$DIR/d.html" --base rep.test.example --listen "$MX4" --state "$RUN/d" \
    --log none
check_eq "exit code" "$RC" 0
check_has "served to everybody" "$(cat "$DIR/d.conf")" '^public = yes$'
state_folder "$RUN/d"
load "$DIR/d.conf" publish >"$RUN/load.log" 2>&1 || e2e_stop "load" "$(cat "$RUN/load.log")"
start repdnsd "$BIN/repdnsd" -c "$DIR/d.conf"
{
    # shellcheck disable=SC2016
    printf '$ORIGIN test.example.\n@ 3600 IN SOA ns hostmaster 1 3600 600 86400 300\n@ 3600 IN NS ns\n'
    echo "ns 3600 IN A $RESOLVER"
    snippet "$DIR/d.conf" delegation
} >"$RUN/above.zone"
check "the zone above is valid" named-checkzone test.example "$RUN/above.zone"
cat >"$RUN/named.conf" <<EOF_BIND
options {
    directory "$RUN";
    pid-file none;
    session-keyfile none;
    listen-on { $RESOLVER; };
    listen-on-v6 { none; };
    recursion yes;
    dnssec-validation no;
};
controls { };
zone "test.example" { type primary; file "$RUN/above.zone"; };
EOF_BIND
start resolver named -g -c "$RUN/named.conf"
check "BIND follows the delegation" within 10 resolver_has 2.0.0.127.ip.rep.test.example
check_eq "the delegation's NS are the zone's own" \
    "$(dig +short "@$MX4" rep.test.example NS)" mx.test.example.
stop resolver || true
try_unbound() { # without DNSSEC: a signed zone above would have a delegation without DS
    {
        printf 'server:\n  directory: "%s"\n  chroot: ""\n  username: ""\n  pidfile: ""\n' "$RUN"
        printf '  use-syslog: no\n  interface: %s\n  private-address: 127.0.0.0/8\n' "$RESOLVER"
        snippet "$1" unbound
    } >"$RUN/unbound.conf"
    start resolver unbound -d -c "$RUN/unbound.conf"
}
through "$DIR/d.conf" rep.test.example unbound dnsmasq

echo "# the end of the lists"
printf 'retired = yes\nlist "all" { type = ip4set  files = {"%s/all"} }\n' "$RUN" >>"$DIR/d.conf"
echo '203.0.113.0/24' >"$RUN/all"
load "$DIR/d.conf" import >"$RUN/load.log" 2>&1 || fail "import" "$(cat "$RUN/load.log")"
load "$DIR/d.conf" publish >"$RUN/load.log" 2>&1 || fail "publish" "$(cat "$RUN/load.log")"
kill -HUP "${STARTED[repdnsd]}"
end_status() { # NAME
    dig +noall +comments "@$MX4" "$1" A | grep -q 'status: NXDOMAIN'
}
for name in 2.0.0.127.ip 7.113.0.203.ip test.dom 2.0.0.127.test.pair; do
    check "$name is listed no more" within 5 end_status "$name.rep.test.example"
done
check_has "that is kept for a day" \
    "$(dig +noall +authority "@$MX4" 7.113.0.203.ip.rep.test.example A)" '^ip\.rep.*[[:space:]]86400[[:space:]]'
check_has "the base has its name servers" "$(dig +short "@$MX4" rep.test.example NS)" 'mx\.test'
check_has "the doctor does not look for it" "$("$BIN/repdns" -c "$DIR/d.conf" doctor || true)" \
    '^warn  resolver: retired'
sed '/^rep\.test\.example\. /d; /^mx\.test/d' "$RUN/above.zone" >"$RUN/end.zone"
snippet "$DIR/d.conf" shutdown >>"$RUN/end.zone"
check "the lines for the zone above are valid" named-checkzone test.example "$RUN/end.zone"
e2e_end
