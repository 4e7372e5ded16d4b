# shellcheck shell=bash
# The rest of the machine: its resolver is unbound, beyond which a responder plays DNS; mail servers
# speak from addresses of the loopback.
for address in 198.51.100.10 203.0.113.7 203.0.113.9; do ip addr add "$address/32" dev lo; done
cat >/etc/unbound/unbound.conf.d/world.conf <<'EOF_UNBOUND'
server:
    module-config: "iterator"
    do-not-query-localhost: no
    private-domain: "rep.internal"
    domain-insecure: "rep.internal"
    unblock-lan-zones: yes
stub-zone:
    name: "rep.internal"
    stub-addr: 127.0.0.1@5354
forward-zone:
    name: "."
    forward-addr: 127.0.0.1@5399
EOF_UNBOUND
start fixture /check/dnsfixture -p 5399 "$TESTS/e2e/mailworld/world.zone"
systemctl reset-failed unbound 2>/dev/null || true # it had no world to start in
systemctl restart unbound
resolved() { [ "$(dig +short +time=1 +tries=1 @127.0.0.1 mx.test.example A)" = 192.0.2.1 ]; }
check "the machine's resolver" within 10 resolved
# What was there before, for the end.
files() {
    find / -xdev \( -path /proc -o -path /dev -o -path /sys -o -path /tmp -o -path /check -o -path /var/cache \
        -o -path /var/lib/apt -o -path /var/log -o -path /var/lib/postfix -o -path /var/spool \
        -o -path /var/lib/systemd/timers -o -path /var/lib/logrotate -o -path '/etc/*shadow-' \
        -o -path /etc/passwd- -o -path /etc/group- -o -path '/etc/sub?id-' -o -path /etc/apparmor.d/disable \
        -o -path '/var/lib/unbound/*' -o -path /var/lib/private \
        \) -prune -o -print | sort
    find /var/log /run -name '*repdns*'
}
units() { systemctl list-units --all --plain --no-legend "$@" 'repdns*' | awk '{ print $1 }'; }
accounts() { sort /etc/passwd /etc/group /etc/shadow /etc/gshadow; }
files >"$RUN/files"
accounts >"$RUN/accounts"
