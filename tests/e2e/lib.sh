# shellcheck shell=bash
# The world of the end-to-end tests: private namespaces with loopback alone, in which repdnsd, a
# resolver and mail software talk to each other, and nothing leaves the machine. A script says
#
#     . "$(dirname "$0")/lib.sh"
#     e2e_begin NAME SECONDS "$@"     # goes on inside the namespaces; what takes far longer hangs
#     check_eq "what" "$got" "wanted"
#     e2e_end
#
# Environment: BUILD, the folder of the programs, from the project's root (build/release) or whole;
# KEEP=1 keeps the scratch folder.
# Exit codes: 0 passed, 1 failed, 77 skipped.
set -eu

E2E_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT_DIR=$(cd "$E2E_DIR/../.." && pwd)
BIN=${BUILD:-build/release}
case $BIN in
/*) ;;
*) BIN=$ROOT_DIR/$BIN ;;
esac
export PATH=/usr/sbin:/sbin:$PATH LC_ALL=C

# Addresses of the world. The mail server is MX4/MX6; clients speak from addresses of their own.
MX4=192.0.2.1 MX6=2001:db8::1
RESOLVER=127.0.0.53
SERVER_PORT=5300  # repdnsd, on 127.0.0.1 and ::1
FIXTURE_PORT=5301 # the rest of DNS, on 127.0.0.1
# A slow or busy machine: what is waited for may take so many times as long as elsewhere. It costs
# nothing where it does not. A time that is promised is measured instead, by the best of several tries.
PATIENCE=${PATIENCE:-10}
DIG_S=5 # how long dig waits for an answer
# The day that mailworld's mail log ends on.
export AS_OF=2026-11-20T12:00:00

skip() {
    echo "e2e $E2E_NAME: skipped: $*"
    exit 77
}

# Programs of the system and, with a slash, of ours.
need() {
    local program
    for program in "$@"; do
        case $program in
        */*) [ -x "$BIN/${program#*/}" ] || skip "needs $BIN/${program#*/}: run make" ;;
        *) command -v "$program" >/dev/null || skip "needs $program: run make deps-test" ;;
        esac
    done
}

e2e_begin() {
    E2E_NAME=$1
    local limit_s=$(($2 * PATIENCE)) rc=0
    shift 2
    if [ -n "${E2E_RUN:-}" ]; then
        RUN=$E2E_RUN
        world_enter
        return
    fi
    [ "$(id -u)" = 0 ] || skip "needs root"
    need unshare timeout ip mount dig python3 setpriv
    unshare --mount --net --pid --uts --ipc --fork true 2>/dev/null || skip "needs namespaces"
    RUN=$(mktemp -d "${TMPDIR:-/tmp}/repdns-e2e-$E2E_NAME.XXXXXX")
    chmod 755 "$RUN"
    [ -n "${KEEP:-}" ] || trap 'rm -rf "$RUN"' EXIT
    # The namespace's first process is the script: when it ends, so does all that it started.
    E2E_RUN=$RUN timeout --foreground -k 5 "$limit_s" unshare --mount --net --pid --uts --ipc \
        --fork --mount-proc --kill-child bash "$0" "$@" || rc=$?
    case $rc in
    124 | 137) echo "e2e $E2E_NAME: stopped after $limit_s s" ;;
    esac
    [ -z "${KEEP:-}" ] || echo "e2e $E2E_NAME: files are in $RUN"
    [ "$rc" = 0 ] || [ "$rc" = 77 ] || rc=1
    exit "$rc"
}

CHECKS=0 FAILED=0 ENDED=
declare -A STARTED=()

e2e_end() {
    ENDED=1
    echo "e2e $E2E_NAME: $CHECKS checks, $FAILED failed"
    [ "$FAILED" = 0 ] && exit 0
    exit 1
}

# What cannot go on: a check that failed, and the end.
e2e_stop() {
    fail "$@"
    e2e_end
}

pass() {
    CHECKS=$((CHECKS + 1))
    echo "ok    $1"
}

# fail WHAT [TEXT...]: the texts are shown below it.
fail() {
    CHECKS=$((CHECKS + 1))
    FAILED=$((FAILED + 1))
    echo "FAIL  $1"
    shift
    [ $# = 0 ] || printf '%s\n' "$@" | head -n 20 | sed 's/^/        /'
}

# check WHAT COMMAND...
check() {
    local what=$1
    shift
    if "$@" >/dev/null 2>&1; then pass "$what"; else fail "$what" "failed: $*"; fi
}

check_eq() {
    if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "got:    $2" "wanted: $3"; fi
}

# check_has WHAT TEXT REGEX
check_has() {
    if grep -qE -- "$3" <<<"$2"; then pass "$1"; else fail "$1" "wanted /$3/ in:" "$2"; fi
}

check_hasnt() {
    if grep -qE -- "$3" <<<"$2"; then fail "$1" "unwanted /$3/ in:" "$2"; else pass "$1"; fi
}

# check_one_line WHAT TEXT REGEX: one line, which is shown.
check_one_line() {
    if [ "$(grep -c . <<<"$2")" = 1 ] && grep -qE -- "$3" <<<"$2"; then
        pass "$1: $2"
    else
        fail "$1" "wanted one line with /$3/:" "$2"
    fi
}

now_ms() {
    local t=$EPOCHREALTIME
    echo $((${t%.*} * 1000 + 10#${t#*.} / 1000))
}

# within SECONDS COMMAND...: until it succeeds, PATIENCE times as long at most. What asks asks again
# soon, as a query may be lost.
within() {
    local end_ms DIG_S=1
    end_ms=$(($(now_ms) + $1 * PATIENCE * 1000))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$(now_ms)" -lt "$end_ms" ] || return 1
        sleep 0.05
    done
}

# start NAME COMMAND...: its output goes to $RUN/NAME.log, its pid is ${STARTED[NAME]}.
start() {
    local name=$1
    shift
    "$@" >>"$RUN/$name.log" 2>&1 &
    STARTED[$name]=$!
}

alive() {
    kill -0 "${STARTED[$1]}" 2>/dev/null
}

gone() {
    ! alive "$1"
}

# stop NAME: SIGTERM, and SIGKILL when it does not end. Returns its exit code.
stop() {
    local pid=${STARTED[$1]:-} rc=0
    [ -n "$pid" ] || return 0
    kill -TERM "$pid" 2>/dev/null || true
    within 5 gone "$1" || kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || rc=$?
    unset "STARTED[$1]"
    return "$rc"
}

stop_all() {
    local name
    for name in "${!STARTED[@]}"; do
        stop "$name" || true
    done
}

# put FILE: standard input over a file of the system, in this mount namespace only.
put() {
    cat >"$RUN/etc/${1##*/}"
    mount --bind "$RUN/etc/${1##*/}" "$1"
}

# However the script ends: what it started ends too, and a summary is printed.
on_exit() {
    local rc=$?
    stop_all
    [ -n "$ENDED" ] || [ "$rc" = 77 ] || echo "e2e $E2E_NAME: broke off after $CHECKS checks"
}

world_enter() {
    trap on_exit EXIT
    trap 'echo "FAIL  $0, line $LINENO: $BASH_COMMAND"' ERR
    mkdir -p "$RUN/etc"
    ip link set lo up
    local address
    for address in "$MX4/32" 203.0.113.{7,8,9,10,11}/32 198.51.100.{10,20,99}/32; do
        ip addr add "$address" dev lo
    done
    for address in "$MX6" 2001:db8:{bad,600d,ba2c,c1ea}::9; do
        ip -6 addr add "$address/128" dev lo nodad 2>/dev/null || skip "needs IPv6"
    done
    hostname mx.test.example
    put /etc/resolv.conf <<<"nameserver $RESOLVER
options timeout:2 attempts:2"
    put /etc/hosts <<<"127.0.0.1 localhost
::1 localhost
$MX4 mx.test.example"
    local user
    user=repdns:x:5354:5354:repdns:/nonexistent:/usr/sbin/nologin
    (grep -v '^repdns:' /etc/passwd && echo "$user") | put /etc/passwd
    (grep -v '^repdns:' /etc/group && echo repdns:x:5354:) | put /etc/group
}

# state_folder DIR: of the user that loads; the group, which serves, may read.
state_folder() {
    mkdir -p "$1"
    chown repdns:repdns "$1"
    chmod 2770 "$1"
}

# write_conf FILE STATE_DIR: a configuration of this world, to which a script may append.
write_conf() {
    cat >"$1" <<EOF_CONF
base = "rep.example"
state_dir = "$2"
contact = "hostmaster@rep.example"
url = "https://rep.example/why?q=\$"
listen = {"127.0.0.1@$SERVER_PORT", "::1@$SERVER_PORT"}
user = "repdns"
group = "repdns"
own_networks = {"192.0.2.0/24", "2001:db8::/64"}
own_names = {"test.example"}
resolver = "127.0.0.1@$FIXTURE_PORT"
resolver_timeout = "5s"
resolver_tries = 2
policy {
    learn_sessions = 1
    learn_days = 1
    min_sessions = 2
    list_sessions = 2
    list_days = 1
    score_threshold = 40
    max_age = "3650d"
}
EOF_CONF
}

# conf LINES...: the world's configuration with the list $RUN/clients, open to all, and those lines:
# renamed to $CONF, for $STATE.
conf() {
    write_conf "$CONF.new" "$STATE"
    {
        echo "list \"clients\" { type = ip4set  files = {\"$RUN/clients\"} }"
        echo "public = yes"
        printf '%s\n' "$@"
    } >>"$CONF.new"
    mv "$CONF.new" "$CONF"
}

# load CONF ARGUMENTS...: repdns-load as its own user.
load() {
    local conf=$1
    shift
    setpriv --reuid repdns --regid repdns --clear-groups "$BIN/repdns-load" -c "$conf" "$@"
}

# start_fixture ARGUMENTS... ZONEFILES...: the rest of DNS.
start_fixture() {
    start fixture "$BIN/tests/tools/dnsfixture" -p "$FIXTURE_PORT" "$@"
    within 5 dig_fixture a.root-servers.net || true
    alive fixture || e2e_stop "dnsfixture starts" "$(cat "$RUN/fixture.log")"
}

dig_fixture() {
    dig +time=1 +tries=1 @127.0.0.1 -p "$FIXTURE_PORT" "$@" A | grep -q 'status: '
}

# ask ARGUMENTS...: dig's short answer from repdnsd itself.
ask() {
    dig +time=$DIG_S +tries=1 +short -p "$SERVER_PORT" @127.0.0.1 "$@" 2>/dev/null || true
}

# status ARGUMENTS...: the response code.
status() {
    dig +time=$DIG_S +tries=1 +noall +comments -p "$SERVER_PORT" @127.0.0.1 "$@" 2>/dev/null |
        sed -n 's/.*status: \([A-Z]*\),.*/\1/p'
}

# hup: SIGHUP, and what the log says of it.
hup() {
    local before
    before=$(grep -cE 'read again|going on as before' "$RUN/repdnsd.log" || true)
    kill -HUP "${STARTED[repdnsd]}"
    within 5 hup_done "$before" || fail "SIGHUP is answered by a line of the log"
    grep -E 'read again|going on as before' "$RUN/repdnsd.log" | tail -n 1
}

hup_done() {
    [ "$(grep -cE 'read again|going on as before' "$RUN/repdnsd.log")" -gt "$1" ]
}

# usr SIGNAL: SIGUSR1 or SIGUSR2, and the lines that the log gets by it.
usr() {
    local from
    from=$(wc -l <"$RUN/repdnsd.log")
    kill "-$1" "${STARTED[repdnsd]}"
    within 5 total_since "$from" || fail "SIG$1 is answered by lines of the log"
    tail -n "+$((from + 1))" "$RUN/repdnsd.log"
}

total_since() {
    tail -n "+$(($1 + 1))" "$RUN/repdnsd.log" | grep -q 'stats for [0-9]*sec:'
}

# children: repdnsd's processes but the supervisor.
children() {
    cat "/proc/${STARTED[repdnsd]}/task/${STARTED[repdnsd]}/children"
}

# kernel_lost: UDP packets for which the kernel had no room, in this network.
kernel_lost() {
    awk '/^Udp:/ { if (!n) { for (i = 2; i <= NF; i++) if ($i == "RcvbufErrors") n = i } else print $n }' \
        /proc/net/snmp
}

answers() { # WANTED ARGUMENTS...
    local wanted=$1
    shift
    [ "$(ask "$@")" = "$wanted" ]
}

has_status() { # WANTED ARGUMENTS...
    local wanted=$1
    shift
    [ "$(status "$@")" = "$wanted" ]
}

# The test entry of RFC 5782, which every store has.
ready() {
    answers 127.0.0.2 2.0.0.127.ip.rep.example A
}

start_server() { # CONF
    start repdnsd "$BIN/repdnsd" -c "$1"
    within 5 ready || e2e_stop "repdnsd answers" "$(cat "$RUN/repdnsd.log")"
}

# A resolver as a mail server has it: it strips loopback addresses from answers unless the zone is a
# private-domain, minimises names strictly, and asks repdnsd for its zones.
start_unbound() {
    cat >"$RUN/unbound.conf" <<EOF_UNBOUND
server:
    directory: "$RUN"
    chroot: ""
    username: ""
    pidfile: "$RUN/unbound.pid"
    use-syslog: no
    logfile: ""
    interface: $RESOLVER
    access-control: 127.0.0.0/8 allow
    num-threads: 1
    do-not-query-localhost: no
    unblock-lan-zones: yes
    insecure-lan-zones: yes
    qname-minimisation: yes
    qname-minimisation-strict: yes
    private-address: 127.0.0.0/8
    private-domain: "rep.example"
    private-domain: "rep.internal"
    domain-insecure: "rep.example"
    domain-insecure: "rep.internal"
stub-zone:
    name: "rep.example"
    stub-addr: 127.0.0.1@$SERVER_PORT
stub-zone:
    name: "rep.internal"
    stub-addr: 127.0.0.1@$SERVER_PORT
forward-zone:
    name: "."
    forward-addr: 127.0.0.1@$FIXTURE_PORT
remote-control:
    control-enable: no
EOF_UNBOUND
    start unbound unbound -d -c "$RUN/unbound.conf"
    within 5 resolves || e2e_stop "unbound resolves the zones" "$(cat "$RUN/unbound.log")"
}

resolves() {
    [ "$(dig +time=2 +tries=1 +short "@$RESOLVER" 2.0.0.127.ip.rep.example A)" = 127.0.0.2 ]
}

# own_system: what a person's commands write to is this namespace's alone: /etc, a copy, and empty
# folders for state, logs and copies.
own_system() {
    local folder
    cp -a /etc "$RUN/etc.own"
    mount --bind "$RUN/etc.own" /etc
    for folder in lib log backups; do
        mkdir -p "$RUN/var/$folder"
        mount --bind "$RUN/var/$folder" "/var/$folder"
    done
    mkdir -p /var/backups/repdns /etc/repdns /etc/cron.d /etc/postfix /etc/unbound/unbound.conf.d
    chown repdns /var/backups/repdns
    rm -f /etc/unbound/unbound.conf.d/* /etc/cron.d/repdns
}

# own_resolver: unbound as own_system's /etc says beyond forwarding to the fixture.
own_resolver() {
    cat >"$RUN/unbound.conf" <<EOF_UNBOUND
server:
    directory: "$RUN"
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    interface: $RESOLVER
    private-address: 127.0.0.0/8
    do-not-query-localhost: no
include: "/etc/unbound/unbound.conf.d/*.conf"
forward-zone:
    name: "."
    forward-addr: 127.0.0.1@$FIXTURE_PORT
remote-control:
    control-enable: no
EOF_UNBOUND
    start unbound unbound -d -c "$RUN/unbound.conf"
    within 5 dig +time=$DIG_S +tries=1 "@$RESOLVER" a.root-servers.net A
}

# reverse ADDRESS: as it stands in front of a zone.
reverse() {
    python3 -c '
import ipaddress, sys
name = ipaddress.ip_address(sys.argv[1]).reverse_pointer
print(name.rsplit(".", 2)[0])' "$1"
}

# serve_mailworld WHAT [ZONEFILES...]: loads $RUN/repdns.conf with mailworld's DNS, checks that as WHAT,
# and serves it through unbound.
serve_mailworld() {
    local rc=0
    start_fixture "$E2E_DIR/mailworld/world.zone" "${@:2}"
    load "$RUN/repdns.conf" run --as-of "$AS_OF" >"$RUN/load.log" 2>&1 || rc=$?
    check_eq "$1" "$rc" 0
    [ "$rc" = 0 ] || e2e_stop "something to serve" "$(cat "$RUN/load.log")"
    start_server "$RUN/repdns.conf"
    start_unbound
}

# write_postfix: a Postfix that takes mail for test.example on port 25, to whose main.cf and master.cf
# in $RUN/postfix/etc a script appends: local_transport at least.
write_postfix() {
    mkdir -p "$RUN/postfix/etc" "$RUN/postfix/queue" "$RUN/postfix/data"
    chown postfix "$RUN/postfix/data"
    cat >"$RUN/postfix/etc/main.cf" <<EOF_MAIN
compatibility_level = 3.6
queue_directory = $RUN/postfix/queue
data_directory = $RUN/postfix/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = $RUN/postfix/maillog
maillog_file_prefixes = $RUN
myhostname = mx.test.example
mydestination = test.example
mynetworks = 127.0.0.0/8
inet_interfaces = $MX4, [$MX6]
inet_protocols = all
alias_maps =
alias_database =
local_recipient_maps =
default_transport = discard:
smtpd_delay_reject = yes
smtpd_helo_required = yes
smtpd_error_sleep_time = 0
smtpd_relay_restrictions = reject_unauth_destination
EOF_MAIN
    cat >"$RUN/postfix/etc/master.cf" <<EOF_MASTER
25 inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
anvil unix - - n - 1 anvil
discard unix - - n - - discard
error unix - - n - - error
retry unix - - n - - error
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
EOF_MASTER
}

postfix_listens() {
    python3 -c 'import socket, sys; socket.create_connection((sys.argv[1], 25), 1)' "$1"
}

start_postfix() {
    postfix -c "$RUN/postfix/etc" start >"$RUN/postfix.log" 2>&1 || true
    if ! within 10 postfix_listens "$MX4" || ! within 10 postfix_listens "$MX6"; then
        e2e_stop "Postfix starts" "$(cat "$RUN/postfix.log" "$RUN/postfix/maillog")"
    fi
}

stop_postfix() {
    postfix -c "$RUN/postfix/etc" stop >>"$RUN/postfix.log" 2>&1 || true
}

# smtp ARGUMENTS...: a session of mailworld/smtp.py, and what the server said in it.
smtp() {
    python3 "$E2E_DIR/mailworld/smtp.py" "$@" 2>&1 || true
}
