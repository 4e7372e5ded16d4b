#!/bin/bash
# Resolvers between mail servers and repdnsd, with the lines of tools/mta/{unbound,bind,dnsmasq,
# systemd-resolved} taken as they are, but for the port. Each also without them: as it comes where it
# drops answers in 127/8 or proves by DNSSEC that a private base does not exist.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=mta.sh
. "$(dirname "$0")/mta.sh"
e2e_begin resolvers 120 "$@"
need unbound dnsmasq /repdnsd /repdns-load /tests/tools/dnsfixture
apart bind9-utils bind9
add_users bind systemd-resolve

mta_conf
start_fixture "$E2E_DIR/mailworld/world.zone"
check "repdns-load run" load "$RUN/repdns.conf" run --as-of "$AS_OF"
start_server "$RUN/repdns.conf"

# The root's key: with it, and no signed root in this world, everything unsigned is bogus.
ROOT_KEY='20326 8 2'
ROOT_HASH=E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D

# lines FILE: a snippet with the port of this world, the only change.
lines() {
    sed "s/5354/$SERVER_PORT/" "$MTA_DIR/$1"
}

# through NAME: what a mail server gets: status and addresses.
through() {
    dig +time=3 +tries=1 +noall +comments +answer "@$RESOLVER" "$1" A 2>&1 |
        sed -n 's/.*status: \([A-Z]*\),.*/\1/p; s/.*[[:space:]]A[[:space:]]\([0-9.]*\)$/\1/p' |
        paste -sd ' '
}

# answered: the resolver says something.
answered() {
    [ -n "$(through 2.0.0.127.ip.rep.example)" ]
}

# deaf NAME WHY: it does not pass the test entry on, as it would not without our lines.
deaf() {
    within 10 answered || e2e_stop "$PROGRAM answers" "$(cat "$RUN/$1.log")"
    result "the test entry, $2" - "$(through 2.0.0.127.ip.rep.example)" \
        '^(SERVFAIL|REFUSED|NXDOMAIN|NOERROR)$'
    stop "$1" || true
}

# hears NAME: with our lines it does.
hears() {
    within 10 answered || e2e_stop "$PROGRAM answers" "$(cat "$RUN/$1.log")"
    : >"$RUN/log/queries"
    result "a listed client" "$(wire_ip 203.0.113.7 ip)" "$(through "$(wire_ip 203.0.113.7 ip)")" \
        '^NOERROR 127\.0\.0\.2$'
    result "a listed IPv6 client" "$(wire_ip 2001:db8:bad::9 ip)" \
        "$(through "$(wire_ip 2001:db8:bad::9 ip)")" '^NOERROR .*127\.0\.0\.3\b.*'
    result "a pair" 9.113.0.203.bank.example.pair.rep.example \
        "$(through 9.113.0.203.bank.example.pair.rep.example)" '^NOERROR 127\.0\.2\.4$'
    result "an honest client" "$(wire_ip 198.51.100.20 ip)" \
        "$(through "$(wire_ip 198.51.100.20 ip)")" '^NXDOMAIN$'
    stop "$1" || true
}

# unbound. It strips 127/8 if it is told to, and validates as packaged.
program unbound unbound
unbound_conf() { # NAME LINES
    cat >"$RUN/$1.conf" <<EOF_UNBOUND
server:
    directory: "$RUN"
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    logfile: ""
    interface: $RESOLVER
    access-control: 127.0.0.0/8 allow
remote-control:
    control-enable: no
$2
EOF_UNBOUND
}
FILTERS='server:
    private-address: 127.0.0.0/8'
VALIDATES="server:
    trust-anchor: \". DS $ROOT_KEY $ROOT_HASH\""
STUB="server:
    do-not-query-localhost: no
stub-zone:
    name: rep.example
    stub-addr: 127.0.0.1@$SERVER_PORT"
unbound_conf unbound-filters "$FILTERS
$STUB"
unbound_conf unbound-validates "$VALIDATES
$STUB"
unbound_conf unbound-hears "$FILTERS
$VALIDATES
$(lines unbound/repdns.conf)"
check "unbound-checkconf" unbound-checkconf "$RUN/unbound-hears.conf"
start unbound-filters unbound -d -c "$RUN/unbound-filters.conf"
deaf unbound-filters "filtered, without our lines"
start unbound-validates unbound -d -c "$RUN/unbound-validates.conf"
deaf unbound-validates "validated, without our lines"
start unbound-hears unbound -d -c "$RUN/unbound-hears.conf"
hears unbound-hears

# BIND: the same. It listens on addresses that an interface has, and on no others of 127/8.
program BIND bind9
ip addr add "$RESOLVER/32" dev lo
mkdir "$RUN/bind"
lines bind/zone.conf >"$RUN/bind/zone.conf"
bind_conf() { # NAME VALIDATES OPTIONS
    echo "$3" >"$RUN/bind/$1.options"
    cat >"$RUN/bind/$1.conf" <<EOF_BIND
options {
    directory "$RUN/bind";
    pid-file none;
    session-keyfile none;
    listen-on { $RESOLVER; };
    listen-on-v6 { none; };
    recursion yes;
    dnssec-validation $2;
    include "$RUN/bind/$1.options";
};
trust-anchors { . static-ds $ROOT_KEY "$ROOT_HASH"; };
controls { };
include "$RUN/bind/zone.conf";
EOF_BIND
}
bind_conf filters no 'deny-answer-addresses { 127.0.0.0/8; };'
bind_conf validates yes ''
bind_conf hears yes "$(cat "$MTA_DIR/bind/options.conf")"
check "named-checkconf" named-checkconf "$RUN/bind/hears.conf"
start bind-filters named -g -c "$RUN/bind/filters.conf"
deaf bind-filters "filtered, without our lines"
start bind-validates named -g -c "$RUN/bind/validates.conf"
deaf bind-validates "validated, without our lines"
start bind-hears named -g -c "$RUN/bind/hears.conf"
hears bind-hears

# dnsmasq: its protection against rebinding drops private answers.
program dnsmasq dnsmasq-base
DNSMASQ=(dnsmasq -k -u root -g root --log-facility=- --no-hosts --no-resolv --bind-interfaces
    --listen-address="$RESOLVER" --pid-file= --stop-dns-rebind)
lines dnsmasq/repdns.conf >"$RUN/dnsmasq.conf"
check "dnsmasq --test" dnsmasq --test -C "$RUN/dnsmasq.conf"
start dnsmasq-deaf "${DNSMASQ[@]}" -C /dev/null "--server=/rep.example/127.0.0.1#$SERVER_PORT"
deaf dnsmasq-deaf "filtered, without our lines"
start dnsmasq-hears "${DNSMASQ[@]}" -C "$RUN/dnsmasq.conf"
hears dnsmasq-hears

# systemd-resolved, without the system bus. It asks nobody while no link is up, of which the loopback is
# none.
apart_file systemd-resolved lib/systemd/systemd-resolved
program systemd-resolved systemd-resolved
ip link add outside type veth peer name other
ip addr add 10.99.0.1/24 dev outside
ip link set outside up
ip link set other up
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/resolve /run/systemd/resolved.conf.d
chown systemd-resolve:systemd-resolve /run/systemd/resolve
lines systemd-resolved/repdns.conf >/run/systemd/resolved.conf.d/repdns.conf
start resolved "$APART_FILE"
hears resolved
e2e_end
