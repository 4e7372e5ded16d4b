# shellcheck shell=bash
# What the units forbid, tried: the unit itself, but for the program and the user, who is root here,
# so that no permission of a file does what the unit should do. Not root's group, from which nothing
# in /proc is hidden.
useradd -m mary
echo mail >/home/mary/mail
mkdir -p /root/there
echo theirs >/tmp/theirs

# try_out UNIT: what forbidden.py says as that service.
try_out() {
    sed -e '/^ExecStartPre=/d; /^ExecReload=/d; /^Restart/d; /^Watchdog/d; /^AppArmorProfile=/d' \
        -e 's/^Type=.*/Type=oneshot/; /^User=/d; s/^Group=.*/Group=nogroup/; /^SupplementaryGroups=/d' \
        -e "s|^ExecStart=.*|ExecStart=/usr/bin/python3 $TESTS/boot/forbidden.py|" \
        -e 's/Directory=repdns$/Directory=forbidden/' -e 's|/var/log/repdns|/var/log/forbidden|' \
        "/lib/systemd/system/$1.service" >"/run/systemd/system/forbidden.service"
    printf '[Service]\nStandardOutput=truncate:/check/run/forbidden\n' >>/run/systemd/system/forbidden.service
    grep -q ^Type= /run/systemd/system/forbidden.service ||
        printf 'Type=oneshot\n' >>/run/systemd/system/forbidden.service
    systemctl daemon-reload
    : >"$RUN/forbidden"
    mkdir /var/log/forbidden
    systemctl start forbidden || why forbidden
    cat "$RUN/forbidden"
    rm -rf /run/systemd/system/forbidden.service /var/lib/forbidden /var/log/forbidden
}

# What each may; all else is refused.
everyone="IPv4,IPv6,unix socket,open /dev/null,write a temporary file"
declare -A may=(
    [repdnsd]="$everyone,port 53,write the state,write the log,write the runtime folder"
    [repdns-load]="$everyone,netlink,write the state,read /home,read /root"
    [repdns-policy]="$everyone"
)
# At most so much, of systemd's 10.
declare -A exposed=([repdnsd]=1.9 [repdns-load]=2.0 [repdns-policy]=1.9)
for unit in repdnsd repdns-load repdns-policy; do
    got=$(try_out $unit)
    check_has "$unit: all was tried" "$got" '^[0-9]+ tried$'
    check_eq "$unit: allowed" "$(sed -n 's/: allowed$//p' <<<"$got" | sort)" \
        "$(tr ',' '\n' <<<"${may[$unit]}" | sort)"
    check_eq "$unit: nothing got as far as to its wrong arguments" \
        "$(grep -E ': (ENOSYS|EFAULT|EINVAL|EBADF)$' <<<"$got")" ""
    score=$(systemd-analyze security --no-pager $unit.service |
        sed -n 's/.*exposure level.*: \([0-9.]*\).*/\1/p')
    check "$unit: systemd-analyze security says $score" \
        awk "BEGIN { exit !($score > 0 && $score <= ${exposed[$unit]}) }"
done
userdel -r mary 2>/dev/null
rm -r /root/there /tmp/theirs
