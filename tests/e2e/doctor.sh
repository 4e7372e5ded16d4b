#!/bin/bash
# repdns doctor: a healthy installation, and each way in which one is ill, with the cause that is
# named.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin doctor 240 "$@"
need /repdns /repdns-load /repdnsd postconf unbound dnsmasq

# An /etc of its own, in which mail programs can be configured.
cp -a /etc "$RUN/etc.own"
mount --bind "$RUN/etc.own" /etc
rm -rf /etc/cron.d/repdns /etc/exim4 /etc/rspamd
mkdir -p /etc/postfix /etc/exim4 /etc/rspamd/local.d /etc/cron.d
: >/etc/postfix/master.cf
CONF=$RUN/repdns.conf STATE=$RUN/state

# doctor ARGUMENTS...: sets RC and OUTPUT, at the time of the store.
doctor() {
    RC=0
    OUTPUT=$("$BIN/repdns" -c "$CONF" --as-of "$AS_OF" "$@" doctor 2>&1) || RC=$?
}

# finds WHAT REGEX...: with the exit code of a failure.
finds() {
    local what=$1
    shift
    doctor
    check_eq "$what: exit code" "$RC" 1
    local regex
    for regex; do
        check_has "$what: $regex" "$OUTPUT" "$regex"
    done
}

postfix() { # LINES...
    printf '%s\n' "compatibility_level = 3.6" "$@" >/etc/postfix/main.cf
}

awk -f "$E2E_DIR/mailworld/maillog.awk" "$E2E_DIR/mailworld/sessions" >"$RUN/mail.log"
state_folder "$STATE"
write_conf "$CONF" "$STATE"
cat >>"$CONF" <<EOF_CONF
log { path = "$RUN/mail.log" }
nameservers = {"mx.test.example"}
zone "hint" { enabled = yes }
EOF_CONF
echo '*/10 * * * * repdns repdns-load run' >/etc/cron.d/repdns
postfix 'smtpd_recipient_restrictions = reject_unauth_destination, reject_rbl_client ip.rep.example'
serve_mailworld "the loader has something to serve"

echo "# a healthy one"
doctor
check_eq "exit code" "$RC" 0
check_hasnt "nothing fails or warns" "$OUTPUT" '^(fail|warn)'
for name in configuration privileges disk stores age schedule sockets zones delegation resolver postfix; do
    check_has "it looked at $name" "$OUTPUT" "^ok    $name: "
done
check_hasnt "no colours in a pipe" "$OUTPUT" $'\033'
env TERM=xterm script -qfec "$BIN/repdns -c $CONF doctor" "$RUN/typescript" >/dev/null </dev/null || true
check_has "colours on a terminal" "$(cat "$RUN/typescript")" $'^\033\\[32mok  \033\\[0m  configuration: '
# What is free on the disk changes, and the counts have no line.
text=$(sed '/ disk: /d; $d' <<<"$OUTPUT")
doctor --json
check_eq "JSON: the same as objects" "$(python3 -c '
import json, sys
for line in sys.argv[1].splitlines():
    o = json.loads(line)
    assert set(o) == {"check", "grade", "what", "do"}
    if o["check"] != "disk":
        print("%-4s  %s: %s" % (o["grade"], o["check"], o["what"]))
        if o["do"]:
            print("      " + o["do"])' "$OUTPUT")" "$text"

echo "# mail programs"
postfix 'smtpd_recipient_restrictions = reject_unauth_destination, reject_rbl_client hint.rep.example'
finds "an informational zone that rejects" '^fail  postfix: .*hint\.rep\.example is no block list'
postfix 'list = hint.rep.example' \
    'smtpd_client_restrictions = warn_if_reject reject_rbl_client $list=127.0.0.[10..12]'
doctor
check_eq "one that is tried and filtered: exit code" "$RC" 0
cat >/etc/exim4/exim4.conf <<'EOF_EXIM'
acl_check_rcpt:
  deny dnslists = dom.rep.example
EOF_EXIM
finds "Exim asks a zone of names for an address" \
    '^fail  exim: /etc/exim4/exim4.conf, line 2: dom\.rep\.example does not have'
rm /etc/exim4/exim4.conf
echo 'rbls { hint { rbl = "hint.rep.example"; checks = ["from"]; } }' >/etc/rspamd/local.d/rbl.conf
finds "rspamd counts every answer" '^fail  rspamd: .*hint\.rep\.example is no block list'
rm /etc/rspamd/local.d/rbl.conf
postfix

echo "# files"
chown root:root "$STATE/answers.mdb-lock"
chown root "$STATE/history.mdb"
finds "a lock file and an owner" '^fail  privileges: .*answers.mdb-lock' \
    '^fail  privileges: .*history.mdb belongs to another'
chown repdns:repdns "$STATE/answers.mdb-lock"
chown repdns "$STATE/history.mdb"
chmod o+w "$STATE"
finds "a folder for everybody" '^fail  privileges: everybody may write'
chmod o-w "$STATE"
rm /etc/cron.d/repdns
doctor
check_has "nobody runs the loader" "$OUTPUT" '^warn  schedule: '
mount -t tmpfs -o size=8m none "$RUN/etc"
sed "s|^state_dir.*|state_dir = \"$RUN/etc\"|" "$CONF" >"$RUN/full.conf"
check_has "a full disk" "$("$BIN/repdns" -c "$RUN/full.conf" doctor 2>&1)" '^fail  disk: .* MiB free'
umount "$RUN/etc"

echo "# zones"
# A list that the configuration has no more goes with the next run; a server that still knows it has
# a zone of which it can't say all, though its SOA and its test entry are there.
echo '203.0.113.99' >"$RUN/short"
cp "$CONF" "$RUN/before.conf"
echo "list \"short\" { type = ip4set  files = {\"$RUN/short\"} }" >>"$CONF"
load "$CONF" import >/dev/null
load "$CONF" publish --as-of "$AS_OF" >/dev/null
hup
listed() { [ -n "$(dig +short +time=$DIG_S -p "$SERVER_PORT" @127.0.0.1 99.113.0.203.ip.rep.example A)" ]; }
check "the list is served" within 5 listed
cp "$RUN/before.conf" "$CONF"
load "$CONF" publish --as-of "$AS_OF" >/dev/null
finds "the server has another configuration" \
    '^fail  zones: ip\.rep\.example answers SERVFAIL: the server misses a list'
check_has "and what to do" "$OUTPUT" '^      send repdnsd SIGHUP'
hup
zones_good() {
    doctor
    grep -q "^ok    zones: " <<<"$OUTPUT"
}
check "the same after SIGHUP" within 5 zones_good

echo "# time"
sed -i 's/max_age = .*/max_age = "1d"/' "$CONF"
OUTPUT=$("$BIN/repdns" -c "$CONF" --as-of 2026-11-22 doctor) && RC=0 || RC=$?
check_has "too old" "$OUTPUT" '^fail  age: .* not served any more'
OUTPUT=$("$BIN/repdns" -c "$CONF" --as-of 2026-11-21T03:00:00 doctor) && RC=0 || RC=$?
check_has "half of the time is over" "$OUTPUT" '^warn  age: '
OUTPUT=$("$BIN/repdns" -c "$CONF" --as-of 2026-11-19 doctor) && RC=0 || RC=$?
check_has "a clock that is behind" "$OUTPUT" '^fail  age: .*in the future'

echo "# resolvers"
stop unbound || true
finds "none" '^fail  resolver: the system.s resolver does not answer'
start_dnsmasq() {
    start dnsmasq dnsmasq -k -C /dev/null -a "$RESOLVER" -z -R -h -u root -x "$RUN/dnsmasq.pid" \
        -S "127.0.0.1#$FIXTURE_PORT" "$@"
    within 5 dnsmasq_answers || e2e_stop "dnsmasq answers" "$(cat "$RUN/dnsmasq.log")"
}
dnsmasq_answers() {
    dig +time=$DIG_S +tries=1 "@$RESOLVER" a.root-servers.net A | grep -q 'status: '
}
start_dnsmasq -S "/rep.example/127.0.0.1#$SERVER_PORT" --stop-dns-rebind
finds "dnsmasq against rebinding" '^fail  resolver: .*protection against rebinding'
stop dnsmasq || true
start_dnsmasq
finds "no stub" '^fail  resolver: the resolver does not know the base' '^warn  delegation: '
stop dnsmasq || true
sed -i '/private-domain: "rep.example"/d' "$RUN/unbound.conf" # as start_unbound wrote it
start unbound unbound -d -c "$RUN/unbound.conf"
check "unbound is there" within 5 dnsmasq_answers
finds "unbound against rebinding" '^fail  resolver: .*protection against rebinding'
stop unbound || true
sed -i -e '/domain-insecure: "rep.example"/d' \
    -e 's/^    directory:.*/&\n    trust-anchor: ". DS 20326 8 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF"\n    private-domain: "rep.example"/' \
    "$RUN/unbound.conf"
start unbound unbound -d -c "$RUN/unbound.conf"
check "unbound is there" within 5 dnsmasq_answers
finds "unbound with DNSSEC" '^fail  resolver: DNSSEC'
stop unbound || true

echo "# the server"
mv "$STATE/answers.mdb" "$RUN/answers.kept"
: >"$STATE/answers.mdb"
without_store() {
    doctor
    grep -q '^fail  sockets: .* answers SERVFAIL: repdnsd has no store' <<<"$OUTPUT"
}
check "a server without a store" within 10 without_store
mv "$RUN/answers.kept" "$STATE/answers.mdb"
stop repdnsd || true
start_unbound_failing() {
    sed -e '/trust-anchor/d' "$RUN/unbound.conf" >"$RUN/unbound2.conf"
    start unbound unbound -d -c "$RUN/unbound2.conf"
    within 5 dnsmasq_answers
}
check "unbound is there" start_unbound_failing
finds "repdnsd is not there" '^fail  sockets: nobody answers at 127.0.0.1 port .* over TCP' \
    '^fail  resolver: the resolver gets no answer'
rm "$STATE/answers.mdb"
finds "no store" '^fail  stores: .*answers.mdb: not there yet'
echo 'nonsense' >>"$CONF"
doctor
check_eq "a configuration that can't be read: exit code" "$RC" 1
check_has "it says where" "$OUTPUT" 'repdns\.conf:[0-9]+: '
e2e_end
