# shellcheck shell=bash
# An upgrade while it serves; what was running runs in its new version, and nothing else was started.
pid=$(main) policy_pid=$(property repdns-policy MainPID)
ask_on "$NAME"
check_hasnt "apt says nothing of an error" "$(install_debs "$DEBS"/*.deb)" \
    '[Ee]rror|[Ff]ailed'
check "it answers" within 10 ready_again
asked "the upgrade" 3
check_hasnt "another process" "$(main)" "^$pid\$"
check_hasnt "the policy service is another process" "$(property repdns-policy MainPID)" "^$policy_pid\$"
for unit in repdnsd repdns-load repdns-policy; do
    check "systemd knows the new $unit" has $unit NeedDaemonReload no
done
check_eq "the timer waits" "$(property repdns-load.timer SubState)" waiting
check_eq "the configuration is the one that was there" "$(grep -c 'query_log.*path' "$CONF")" 2
check_eq "no unit has failed" "$(systemctl list-units --failed --plain --no-legend 'repdns*')" ""
