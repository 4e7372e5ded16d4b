#!/bin/bash
# What the processes of repdnsd may not do: every role tries it. Then a running server: which fences
# each process has, and what is said of a worker that leaves its profile.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin sandbox 90 "$@"
need /repdnsd /repdns-load /tests/tools/sandboxtry

NAME=7.113.0.203.ip.rep.example
CONF=$RUN/repdns.conf STATE=$RUN/state
state_folder "$STATE"
echo "203.0.113.7 :127.0.0.2:listed" >"$RUN/clients"
write_conf "$CONF" "$STATE"
cat >>"$CONF" <<EOF_CONF
list "clients" { type = ip4set  files = {"$RUN/clients"} }
list "others" { type = ip4set  files = {"$RUN/clients"} }
query_log { path = "$STATE/queries" }
udp_workers = 2
pin = yes
EOF_CONF
load "$CONF" run --as-of "$AS_OF" >"$RUN/load.log" 2>&1 || e2e_stop "a store" "$(cat "$RUN/load.log")"
start_server "$CONF"

if grep -q 'built with sanitizers' "$RUN/repdnsd.log"; then skip "a build with sanitizers has no profiles"; fi
LANDLOCK=$(! grep -q 'kernel has none' "$RUN/repdnsd.log" && echo 1 || true)

# tries ROLE TEXT...: what sandboxtry must print of it.
tries() {
    local got role=$1
    shift
    got=$("$BIN/tests/tools/sandboxtry" "$CONF" "$role" 2>/dev/null </dev/null)
    check_eq "$role: tries all" "$(wc -l <<<"$got")" 14
    for line in "$@"; do
        check_has "$role: $line" "$got" "^$line"
    done
}

echo "# each role"
COMMON=('write /etc/passwd: refused' 'execve: killed 59 .execve' 'raw socket: (killed|refused)'
    'ptrace: killed .*ptrace' 'new code: killed .*mmap' 'SIGSYS handler: killed .*rt_sigaction'
    'user namespace: killed .*unshare')
CHILD=('connect: refused' 'fork: killed .*clone' 'kill: killed .*kill')
# Who writes to a socket of this machine may make one, and none to the world.
writer() {
    case $1 in "query logger" | "process for dnstap") return 0 ;; *) return 1 ;; esac
}
tries "supervisor" "${COMMON[@]}"
for role in "UDP worker" "TCP worker" "query logger" "process for dnstap" "process for metrics"; do
    if writer "$role"; then
        tries "$role" 'socket: killed [0-9]+ .socket'
    else
        tries "$role" 'socket: refused'
    fi
    tries "$role" "${COMMON[@]}" "${CHILD[@]}"
done
if [ -n "$LANDLOCK" ]; then
    for role in "UDP worker" "TCP worker"; do
        tries "$role" 'read /etc/passwd: refused' 'read the store: allowed' 'write the store: refused'
    done
    tries "query logger" 'read /etc/passwd: refused' 'read the store: refused'
else
    echo "# this kernel has no Landlock: which files a worker opens was not tried"
fi

echo "# a running server"
for pid in ${STARTED[repdnsd]} $(children); do
    got=$(awk '/^(NoNewPrivs|CapPrm|CapEff|CapBnd|CapAmb|Seccomp):/ { printf "%s%s ", $1, $2 }' \
        "/proc/$pid/status")
    check_eq "process $pid: no capability, seccomp" "$got" "CapPrm:0000000000000000 \
CapEff:0000000000000000 CapBnd:0000000000000000 CapAmb:0000000000000000 NoNewPrivs:1 Seccomp:2 "
    check_eq "process $pid: no core file" \
        "$(awk '/^Max core file size/ { print $5, $6 }' "/proc/$pid/limits")" "0 0"
done
first=$(children | awk '{ print $1 }')
check_eq "pin: a UDP worker has one processor" \
    "$(sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$first/status" | grep -cE '^[0-9]+$')" 1
check_eq "the TCP worker has all" \
    "$(sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$(children | awk '{ print $3 }')/status")" \
    "$(sed -n 's/^Cpus_allowed_list:\t//p' /proc/self/status)"
kill -SYS "$first"
told() {
    grep -q 'a UDP worker ended by signal 31 .*profile does not have system call' "$RUN/repdnsd.log"
}
check "a worker that ends of SIGSYS is told by its role" within 5 told
check "and another answers" within 5 ready

echo "# much of everything"
for i in {1..100}; do
    echo "zone \"z$i.example\" { kind = list  datasets = {\"others\"} }" >>"$CONF"
    echo "customer$i key-of-customer-$i on 0 0"
done >"$RUN/keys"
chmod 644 "$RUN/keys"
echo "keys { file = \"$RUN/keys\" }" >>"$CONF"
kill -HUP "${STARTED[repdnsd]}"
answers_all() {
    answers 127.0.0.2 7.113.0.203.z100.example A
}
check "a hundred zones and keys, read again: it answers" within 5 answers_all
stop repdnsd || fail "repdnsd ends with exit code 0"
start_server "$CONF"
check "started with them: it answers" within 5 answers_all

echo "# settings"
sed -i '$a seccomp = log' "$CONF"
kill -HUP "${STARTED[repdnsd]}"
needs_restart() {
    grep -q 'seccomp is another one; restart repdnsd for that (going on as before)' "$RUN/repdnsd.log"
}
check "seccomp needs a restart, and a line says so" within 5 needs_restart
stop repdnsd || fail "repdnsd ends with exit code 0"
for setting in log off; do
    sed -i "s/^seccomp = .*/seccomp = $setting/" "$CONF"
    start repdnsd "$BIN/repdnsd" -c "$CONF"
    check "seccomp = $setting: it answers" within 5 answers 127.0.0.2 "$NAME" A
    check_has "seccomp = $setting: a warning" "$(cat "$RUN/repdnsd.log")" 'protections: seccomp: '
    stop repdnsd || fail "repdnsd ends with exit code 0"
done
e2e_end
