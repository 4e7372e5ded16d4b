# shellcheck shell=bash
# The server while it is reloaded, restarted, killed and stopped; and with a wrong configuration.
NAME=9.113.0.203.ip
echo "203.0.113.9 :127.0.0.2:listed" >>/etc/repdns/block
runuser -u repdns -- repdns-load -q run
check "what the loader publishes is answered at once" within 2 serves "$NAME" 127.0.0.2
main() { property repdnsd MainPID; }
ready_again() { has repdnsd ActiveState active && has repdnsd SubState running && serves "$NAME" 127.0.0.2; }
another() { # PID: than that
    [ "$(main)" != "$1" ] && ready_again
}

pid=$(main) before=$(now)
cp "$CONF" "$RUN/good.conf"
echo 'list "more" { type = ip4set  files = {"/etc/repdns/block"} }
zone "more" { kind = list  datasets = {"more"} }' >>"$CONF"
check "reload" systemctl reload repdnsd
knows_more() { [ "$(status x.more.rep.internal A)" != REFUSED ]; }
check "it has the new zone" within 5 knows_more
check_eq "in the same process" "$(main)" "$pid"
check_has "the journal says so" "$(said repdnsd "$before")" 'repdns.conf: read again'

before=$(now)
echo 'nonsense = 1' >>"$CONF"
check_eq "reload with a wrong configuration fails" "$(systemctl reload repdnsd >/dev/null 2>&1; echo $?)" 1
check_has "the journal has the line" "$(said repdnsd "$before")" 'repdns.conf:[0-9]+: .*nonsense'
check "it goes on as before" ready_again
check_eq "in the same process" "$(main)" "$pid"
before=$(now)
check_eq "restart with a wrong configuration fails" "$(systemctl restart repdnsd >/dev/null 2>&1; echo $?)" 1
sleep 2
check_eq "it is not tried again" \
    "$(property repdnsd ActiveState), $(property repdnsd NRestarts) restarts" "failed, 0 restarts"
check_eq "the journal has one line of it" "$(said repdnsd "$before" | grep -c nonsense)" 1
cp "$RUN/good.conf" "$CONF"
check "with the right one it starts" systemctl restart repdnsd
check "and answers" within 5 ready_again

ask_on "$NAME"
check "restart under queries" systemctl restart repdnsd
check "it answers" within 5 ready_again
asked "restart under queries" 2
pid=$(main)
ask_on "$NAME"
kill -KILL "$pid"
check "another one after SIGKILL" within 5 another "$pid"
asked "SIGKILL of the supervisor" 2
pid=$(main)
ask_on "$NAME"
kill -KILL "$(pgrep -P "$pid" | head -n 1)"
asked "SIGKILL of a worker" 2
check_eq "in the same process" "$(main)" "$pid"

# Its workers answer all the while it hangs; when systemd has had enough of it, that takes little.
drop_in repdnsd.service <<<'[Service]
WatchdogSec=4s'
systemctl restart repdnsd
check "with a watchdog" within 5 ready_again
sleep 6
check_eq "one that works is left alone" "$(property repdnsd NRestarts)" 0
pid=$(main) before=$(now)
ask_on "$NAME"
kill -STOP "$pid"
check "one that hangs is replaced" within 15 another "$pid"
asked "SIGSTOP of the supervisor" 6
check_has "the journal says why" "$(said repdnsd "$before")" 'Watchdog timeout'
undo repdnsd.service
systemctl restart repdnsd
within 5 ready_again

check_eq "open files as the unit says" "$(open_files "$(main)")" "$(most 65536)"
# To take something from what can be had by executing (CapBnd) would need a capability more; with
# NoNewPrivs it is worth nothing.
for pid in $(main) $(pgrep -P "$(main)"); do
    check_eq "process $pid: user, no capability, seccomp" "$(rights "$pid")" \
        "Uid: $(id -u repdns) CapEff: 0000000000000000 \
CapBnd: 0000000000000400 CapAmb: 0000000000000000 NoNewPrivs: 1 Seccomp: 2 "
done
check_eq "its folders" "$(stat -c '%a %U:%G %n' /run/repdns /var/lib/repdns /var/log/repdns)" \
    "755 repdns:repdns /run/repdns
2770 repdns:repdns /var/lib/repdns
750 repdns:adm /var/log/repdns"
