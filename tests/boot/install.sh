# shellcheck shell=bash
# From packages: what runs and what does not, and that all units are as systemd wants them.
before=$(now)
check_hasnt "apt says nothing of an error" "$(install_debs "$DEBS"/before/*.deb)" \
    '[Ee]rror|[Ff]ailed|[Ww]arning'
check "the server answers" within 10 serves 2.0.0.127.ip 127.0.0.2
check_eq "it has said that it is ready" "$(property repdnsd Type), $(property repdnsd SubState)" \
    "notify, running"
check_hasnt "its journal has no warning" "$(said repdnsd "$before")" 'warning|error'
check_eq "what is enabled" \
    "$(systemctl list-unit-files --no-legend 'repdns*' | awk '{ print $1, $2 }' | paste -sd ',')" \
    "repdns-load.service static,repdns-policy.service disabled,repdnsd.service enabled,\
repdns-policy.socket disabled,repdnsd.socket disabled,repdns-load.timer enabled"
check_eq "the timer waits" "$(property repdns-load.timer SubState)" waiting
got=$(systemd-analyze verify /lib/systemd/system/repdns*.{service,socket,timer} 2>&1 |
    grep repdns | grep -v "Command 'man " || true) # no manual is installed here
check_eq "systemd-analyze verify has nothing to say" "$got" ""

# The user and the folders, as the files of systemd have them and the packages make them.
user() { getent passwd repdns | cut -d: -f 1,6,7; id -Gn repdns; }
folders() { stat -c '%a %U:%G %n' /var/lib/repdns /var/log/repdns; }
made_user=$(user) made_folders=$(folders)
check_eq "the folders" "$made_folders" "2770 repdns:repdns /var/lib/repdns
750 repdns:adm /var/log/repdns"
mkdir -p "$RUN/other/etc" "$RUN/other/usr/lib/sysusers.d"
cp /usr/lib/sysusers.d/{basic,repdns}.conf "$RUN/other/usr/lib/sysusers.d"
systemd-sysusers --root="$RUN/other" >/dev/null 2>&1
check_eq "sysusers.d makes the same user" \
    "$(grep -h ^repdns: "$RUN/other/etc/passwd" | cut -d: -f 1,6,7)
repdns $(awk -F: '$4 ~ /repdns/ { print $1 }' "$RUN/other/etc/group")" "$made_user"
mv /var/log/repdns "$RUN/log"
chmod 755 /var/lib/repdns
systemd-tmpfiles --create repdns.conf
check_eq "tmpfiles.d makes the same folders" "$(folders)" "$made_folders"
check_eq "cron leaves the run to the timer" \
    "$(su -s /bin/sh repdns -c "$(sed -n 's/^\*.* repdns \[/[/p' /etc/cron.d/repdns)"; echo $?)" 0
if [ -d /sys/kernel/security/apparmor ]; then
    for pid in $(systemctl show -P MainPID repdnsd) $(pgrep -P "$(property repdnsd MainPID)"); do
        check_eq "AppArmor confines process $pid" "$(cat /proc/"$pid"/attr/apparmor/current)" \
            "repdnsd (enforce)"
    done
fi
