# shellcheck shell=bash
# A removal ends what runs and keeps what was gathered; a purge leaves nothing, of systemd neither.
packages=(repdns-doc repdns-load repdns-tools repdnsd)
remove() { apt-get -qq -y -o Dpkg::Use-Pty=0 "$@" 2>&1; }
check_hasnt "remove" "$(remove remove "${packages[@]}")" '[Ee]rror|[Ff]ailed'
check_eq "processes" "$(pgrep -c '^repdns' || true)" 0
check_eq "units that are active or have failed" "$(units --state=active,failed)" ""
check "stores are kept" [ -s /var/lib/repdns/history.mdb ]
check_hasnt "install again" "$(install_debs "$DEBS"/*.deb)" '[Ee]rror|[Ff]ailed'
check "it answers" within 10 serves "$NAME" 127.0.0.2
check_eq "the policy service's socket is enabled as it was" \
    "$(systemctl is-enabled repdns-policy.socket)" enabled
if [ -d /sys/kernel/security/apparmor ]; then
    denied() { journalctl -q -o cat -g 'apparmor="DENIED".*profile="repdnsd"'; }
    ! aa-exec -p repdnsd -- /bin/cat /etc/shadow >/dev/null 2>&1
    check_has "AppArmor tells what it denies" "$(denied)" 'comm="(cat|aa-exec)"'
    check_eq "of what the server did it denied nothing" \
        "$(denied | grep -vE 'comm="(cat|aa-exec)"' | sort -u)" ""
fi
check_hasnt "purge" "$(remove purge "${packages[@]}")" '[Ee]rror|[Ff]ailed'
check_eq "processes" "$(pgrep -c '^repdns' || true)" 0
check_eq "units of which systemd knows" "$(units)" ""
check_eq "files" "$(files | diff "$RUN/files" -)" ""
check_eq "accounts" "$(accounts | diff "$RUN/accounts" -)" ""
if [ -d /sys/kernel/security/apparmor ]; then
    check_eq "profiles of AppArmor" "$(grep repdns /sys/kernel/security/apparmor/profiles)" ""
fi
