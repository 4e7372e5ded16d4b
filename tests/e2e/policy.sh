#!/bin/bash
# Postfix asks repdns policy, over a unix socket, over TCP and under spawn(8): pairs, HELO names and
# what DNS cannot carry become replies and headers, and no failure stops mail.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin policy 150 "$@"
need postfix unbound /repdnsd /repdns-load /repdns /tests/tools/dnsfixture

mkdir "$RUN/lists" "$RUN/mail"
echo badhelo.example >"$RUN/lists/helos"
echo greylist.example >"$RUN/lists/grey"
cat >"$RUN/lists/clients" <<'EOF_LIST'
203.0.113.7 :127.0.0.2:$ was blocked by hand
EOF_LIST
# A pair of a HELO name, as a null sender has it.
echo 'mail.bank.example TXT "v=spf1 a -all"' >"$RUN/more.zone"
(
    cat "$E2E_DIR/mailworld/sessions"
    printf 'Nov 19 10:00:0%d\t198.51.100.20\tmail.bank.example\tmail.bank.example\t\n' 1 2 3
) | awk -f "$E2E_DIR/mailworld/maillog.awk" >"$RUN/mail.log"

state_folder "$RUN/state"
write_conf "$RUN/repdns.conf" "$RUN/state"
cat >>"$RUN/repdns.conf" <<EOF_CONF
log { path = "$RUN/mail.log" }
trusted_relays = {"198.51.100.99"}
list "clients" { type = ip4set  files = {"$RUN/lists/clients"} }
list "helos" { type = dnset  files = {"$RUN/lists/helos"} }
list "grey" { type = dnset  files = {"$RUN/lists/grey"} }
zone "helo" { datasets = {"helos", "judged.helo"} }
zone "grey" { kind = list  datasets = {"grey"} }
EOF_CONF
serve_mailworld "repdns-load run knows the pairs" "$RUN/more.zone"
judged=$(ask 9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.a.b.0.8.b.d.0.1.0.0.2.ip.rep.example)
check_has "a judged client is served" "$judged" '^127\.0\.0\.4$'

# The service asks as mail software does: the system's resolver.
sed '/^resolver/d' "$RUN/repdns.conf" >"$RUN/unix.conf"
cp "$RUN/unix.conf" "$RUN/tcp.conf"
cp "$RUN/unix.conf" "$RUN/spawn.conf"
cat >>"$RUN/unix.conf" <<EOF_CONF
policy_service { listen = {"$RUN/postfix/queue/private/repdns"}  timeout = 5s }
EOF_CONF
cat >>"$RUN/tcp.conf" <<'EOF_CONF'
policy_service {
    listen = {"127.0.0.1@10040", "::1@10040"}
    timeout = 5s
    rule "pair" { action = defer }
    rule "grey" { action = defer  ask = sender  codes = {"127.0.0.2"} }
    rule "ip" { action = prepend }
    rule "helo-absent" { action = reject }
    rule "helo-invalid" { action = reject }
    rule "sender-literal" { action = reject }
}
EOF_CONF

write_postfix
cat >"$RUN/keep" <<EOF_KEEP
#!/bin/sh
exec cat >>"$RUN/mail/\$1"
EOF_KEEP
chmod 755 "$RUN/keep"
chown nobody "$RUN/mail"
cat >>"$RUN/postfix/etc/main.cf" <<'EOF_MAIN'
local_transport = keep:
smtpd_policy_service_default_action = DUNNO
smtpd_policy_service_retry_delay = 1s
repdns-spawn_time_limit = 3600
EOF_MAIN
cat >>"$RUN/postfix/etc/master.cf" <<EOF_MASTER
keep unix - n n - 1 pipe flags=R user=nobody argv=$RUN/keep \${sender}
repdns-spawn unix - n n - 0 spawn user=repdns argv=$BIN/repdns -c $RUN/spawn.conf policy -
26 inet n - n - - smtpd
  -o { smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:10040 }
  -o smtpd_helo_required=no
27 inet n - n - - smtpd
  -o { smtpd_recipient_restrictions = check_policy_service unix:private/repdns-spawn }
28 inet n - n - - smtpd
  -o { smtpd_recipient_restrictions = check_policy_service unix:private/repdns }
  -o smtpd_authorized_xclient_hosts=198.51.100.10
29 inet n - n - - smtpd
  -o smtpd_delay_reject=no
  -o { smtpd_client_restrictions = check_policy_service unix:private/repdns }
  -o { smtpd_helo_restrictions = check_policy_service unix:private/repdns }
  -o { smtpd_sender_restrictions = check_policy_service unix:private/repdns }
  -o { smtpd_recipient_restrictions = check_policy_service unix:private/repdns }
EOF_MASTER
cat >>"$RUN/postfix/etc/main.cf" <<'EOF_MAIN'
smtpd_recipient_restrictions = check_policy_service unix:private/repdns
EOF_MAIN
start_postfix
start unix "$BIN/repdns" -c "$RUN/unix.conf" policy
start tcp "$BIN/repdns" -c "$RUN/tcp.conf" policy
is_ready() { grep -q 'policy: ready' "$RUN/$1.log"; }
within 5 is_ready unix || e2e_stop "the service starts on a unix socket" "$(cat "$RUN/unix.log")"
within 5 is_ready tcp || e2e_stop "the service starts on TCP" "$(cat "$RUN/tcp.log")"
check_eq "the service is no longer root" "$(stat -c %U "/proc/${STARTED[unix]}")" repdns

good=198.51.100.10
mail4() { # PORT CLIENT HELO SENDER [RECIPIENTS] [OPTIONS...]
    smtp "$MX4" "$1" "$2" "$3" "$4" "${5:-user@test.example}" data "${@:6}"
}
headers() { # SENDER: of what was delivered
    sed -n 's/^X-Repdns: //p' "$RUN/mail/$1" 2>/dev/null || true
}
delivered() { [ -s "$RUN/mail/$1" ]; }
counts() { # NAME: the last line of counts
    sed -n 's/.*policy: connections/connections/p' "$RUN/$1.log" | tail -n 1
}
counted() { # NAME COUNTER
    local before
    before=$(grep -c 'policy: connections' "$RUN/$1.log" || true)
    kill -USR1 "${STARTED[$1]}"
    more_counts() { [ "$(grep -c 'policy: connections' "$RUN/$1.log")" -gt "$2" ]; }
    within 5 more_counts "$1" "$before" || true
    counts "$1" | sed "s/.*\\b$2 \\([0-9]*\\).*/\\1/"
}

for port in 25 27; do
    got=$(mail4 $port $good mail.good.example news@bank.example)
    check_has "port $port: a pair that fails SPF: 554 with the zone's text" "$got" \
        '^554 5\.7\.1 .*blocked using pair\.rep\.example; .*bank\.example.* \(client 198\.51\.100\.10\)'
    got=$(mail4 $port $good mail.bank.example '')
    check_has "port $port: the null sender's pair is of the HELO name" "$got" \
        '^554 5\.7\.1 .*blocked using pair\.rep\.example; .*mail\.bank\.example'
    got=$(mail4 $port 203.0.113.7 seven.isp.example a@good.example)
    check_has "port $port: a listed client" "$got" \
        '^554 5\.7\.1 .*blocked using ip\.rep\.example; 203\.0\.113\.7 was blocked by hand'
    got=$(smtp "$MX6" $port 2001:db8:bad::9 mail.clean.example a@nothing.example user@test.example)
    check_has "port $port: a judged client, over IPv6" "$got" \
        '^554 .*blocked using ip\.rep\.example; 2001:db8:bad::/64 .*\(client 2001:db8:bad::9\)'
    got=$(mail4 $port $good badhelo.example anna@good.example)
    check_has "port $port: a listed HELO name" "$got" \
        '^554 .*blocked using helo\.rep\.example; badhelo\.example is listed by the operator'
    got=$(mail4 $port $good mail.good.example anna@good.example)
    check_has "port $port: a good pair: queued" "$got" '^250 2\.0\.0 Ok: queued'
    got=$(mail4 $port $good 192.0.2.77 "helo$port@good.example" user@test.example,more@test.example)
    check_has "port $port: an invalid HELO is queued" "$got" '^250 2\.0\.0 Ok: queued'
    within 10 delivered "helo$port@good.example" || true
    check_eq "port $port: with one header for two recipients" \
        "$(headers "helo$port@good.example")" helo-invalid
    got=$(mail4 $port 192.0.2.1 192.0.2.77 "own$port@bank.example")
    check_has "port $port: an own network passes" "$got" '^250 2\.0\.0 Ok: queued'
    got=$(mail4 $port 198.51.100.99 relay.ngo.example news@bank.example)
    check_has "port $port: a trusted relay passes" "$got" '^250 2\.0\.0 Ok: queued'
done
within 10 delivered own25@bank.example || true
check_eq "mail of own networks has no header" "$(headers own25@bank.example)" ''
check_hasnt "spawn's connections have replies alone" "$(cat "$RUN/postfix/maillog")" \
    'warning:.*(repdns|policy|malformed|unexpected|premature)'

got=$(mail4 28 $good mail.good.example news@bank.example user@test.example login=anna)
check_has "who authenticated passes" "$got" '^250 2\.0\.0 Ok: queued'
got=$(mail4 29 $good 192.0.2.77 early@good.example)
check_has "asked at every command: queued" "$got" '^250 2\.0\.0 Ok: queued'
within 10 delivered early@good.example || true
check_eq "asked at every command: one header" "$(headers early@good.example)" helo-invalid
got=$(mail4 29 198.51.100.20 mail.bank.example news@bank.example)
check_has "asked at every command: no sender is no null sender" "$got" '^250 2\.0\.0 Ok: queued'

got=$(mail4 26 $good mail.good.example news@bank.example)
check_has "rules: a pair is deferred" "$got" \
    '^450 4\.7\.1 .*blocked using pair\.rep\.example; .*bank\.example'
got=$(mail4 26 $good mail.good.example a@greylist.example)
check_has "rules: a zone of names, asked for the sender" "$got" \
    '^450 .*blocked using grey\.rep\.example'
got=$(mail4 26 203.0.113.7 seven.isp.example seven@nothing.example)
check_has "rules: a listed client is queued" "$got" '^250 2\.0\.0 Ok: queued'
within 10 delivered seven@nothing.example || true
check_eq "rules: with its zone in a header" "$(headers seven@nothing.example)" \
    ip.rep.example=127.0.0.2
got=$(mail4 26 $good '[192.0.2.77]' a@good.example)
check_has "rules: a check that is not there finds nothing" "$got" '^250 2\.0\.0 Ok: queued'
got=$(mail4 26 $good mail.good.example 'a@[203.0.113.7]')
check_has "rules: a literal as the sender's domain" "$got" '^554 .*the sender.s domain is an address'

"$BIN/repdns" -c "$RUN/unix.conf" policy >"$RUN/second.log" 2>&1 && rc=0 || rc=$?
check_eq "a second service does not take the socket" "$rc" 1
check_has "and says so" "$(cat "$RUN/second.log")" 'private/repdns: Address already in use'
got=$(printf 'request=smtpd_access_policy\nclient_address=%s\nsender=news@bank.example\n\n' $good |
    timeout 30 "$BIN/repdns" -c "$RUN/spawn.conf" policy - 2>"$RUN/pipe.log")
check_has "by hand through a pipe" "$got" '^action=REJECT blocked using pair\.rep\.example; '

got=$(python3 -c '
import socket
sock = socket.create_connection(("::1", 10040), 20)
sock.sendall(b"request=smtpd_access_policy\nclient_address=2001:db8:bad::9\nhelo_name=a.example\nsender=a@[::1]\n\n")
print(sock.recv(200).decode().strip())')
check_eq "TCP over IPv6" "$got" "action=REJECT the sender's domain is an address"

# Sockets of a socket unit; its configuration has none.
HELP=$E2E_DIR/processes.py
start passed python3 "$HELP" pass tcp:127.0.0.1@10060 tcp:::1@10060 -- \
    "$BIN/repdns" -c "$RUN/spawn.conf" policy
within 5 is_ready passed || fail "the service starts on sockets passed to it" "$(cat "$RUN/passed.log")"
for address in 127.0.0.1 ::1; do
    got=$(python3 -c '
import socket, sys
sock = socket.create_connection((sys.argv[1], 10060), 5)
sock.sendall(b"request=smtpd_access_policy\nclient_address=198.51.100.10\nsender=a@[::1]\n\n")
print(sock.recv(200).decode().strip())' $address)
    check_has "a passed socket, $address" "$got" '^action=(PREPEND|REJECT) .*sender'
done
stop passed || fail "passed sockets: it ends with exit code 0"
rc=0
got=$(python3 "$HELP" pass udp:127.0.0.1@10060 -- "$BIN/repdns" -c "$RUN/spawn.conf" policy 2>&1) || rc=$?
check_eq "a UDP socket passed" "$rc" 1
check_has "and what to do" "$got" 'descriptor 3 does not listen for connections; mend the socket unit'

# More connections than there may be descriptors: the last ones are closed, and counted.
sed 's/@10040/@10050/g' "$RUN/tcp.conf" >"$RUN/few.conf"
start few bash -c 'ulimit -n 70; exec "$@"' few "$BIN/repdns" -c "$RUN/few.conf" policy
within 5 is_ready few || true
got=$(python3 -c '
import socket
socks = [socket.create_connection(("127.0.0.1", 10050), 5) for _ in range(10)]
def closed(sock):
    sock.settimeout(1)
    try:
        return sock.recv(1) == b""
    except TimeoutError:
        return False
print(sum(map(closed, socks)))')
check_eq "ten connections where six may be: four are closed" "$got" 4
check_eq "and counted" "$(counted few busy)" 4
stop few || true

# DNS goes away: mail flows on, counted.
check_eq "all questions were answered" "$(counted unix unanswered)" 0
stop repdnsd || true
got=$(mail4 25 203.0.113.10 ten.isp.example dead@nothing.example)
check_has "without repdnsd: queued" "$got" '^250 2\.0\.0 Ok: queued'
check_has "SIGUSR1 counts what was not answered" "$(counted unix unanswered)" '^[1-9]'
stop unbound || true
before=$(counted unix unanswered)
got=$(mail4 25 203.0.113.10 ten.isp.example deader@nothing.example)
check_has "without a resolver: queued" "$got" '^250 2\.0\.0 Ok: queued'
check "and counted" [ "$(counted unix unanswered)" -gt "$before" ]
got=$(mail4 25 203.0.113.10 192.0.2.77 checks@nothing.example)
within 10 delivered checks@nothing.example || true
check_eq "checks need no DNS" "$(headers checks@nothing.example)" helo-invalid

# The service goes away.
stop unix && rc=0 || rc=$?
check_eq "the service ends by SIGTERM" "$rc" 0
check_has "with its counts" "$(counts unix)" 'requests [1-9].*rejected [1-9].*prepended [1-9]'
got=$(mail4 25 $good mail.good.example news@bank.example)
check_has "without the service: Postfix's default action" "$got" '^250 2\.0\.0 Ok: queued'
start unix "$BIN/repdns" -c "$RUN/unix.conf" policy
listens_again() { [ "$(grep -c 'policy: ready' "$RUN/unix.log")" = 2 ]; }
check "it starts again over its old socket" within 5 listens_again
got=$(mail4 25 203.0.113.10 192.0.2.77 again@nothing.example)
within 10 delivered again@nothing.example || true
check_eq "and is asked again" "$(headers again@nothing.example)" helo-invalid

stop_postfix
e2e_end
