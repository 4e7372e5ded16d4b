#!/bin/bash
# What README tells a person to type beyond its tour, and the EXAMPLES of the manual pages: taken out of
# the pages and run on a system of its own. repdns-guide(7) has guide.sh.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin examples 120 "$@"
need make mandoc adduser unbound postfix /repdns /repdns-load /repdnsd /repdns-rbldnsd \
    /tests/tools/dnsfixture

# readme SECTION WORD: the code block of README's section that has the word; there has to be one.
readme() {
    awk -v section="## $1" -v word="$2" '
        /^## / { on = $0 == section }
        on && /^    / { block = block substr($0, 5) "\n"; next }
        index(block, word) { exit }
        { block = "" }
        END { printf "%s", block; exit block == "" }' "$ROOT_DIR/README.md"
}

# follow_readme SECTION WORD: a block of commands, by root and in the sources.
follow_readme() {
    local block
    block=$(readme "$1" "$2")
    check "README: ${block//$'\n'/; }" \
        bash -ec "cd '$ROOT_DIR'; unset MAKEFLAGS MFLAGS MAKELEVEL; ${block//build\/release/$BIN}"
}

# as_repdns COMMAND: as cron does, with the groups that it has.
as_repdns() {
    setpriv --reuid repdns --regid repdns --init-groups bash -c "cd /var/lib/repdns; $1"
}

# as_cron LINE: a crontab's, by the user that it names.
as_cron() {
    local user command
    read -r _ _ _ _ _ user command <<<"$1"
    check_eq "cron's user" "$user" repdns
    check "cron: $command" as_repdns "$command"
}

# follow COMMAND: as the user repdns, or with "# " before it as root.
follow() {
    case $1 in
    '*'* | 15*) as_cron "$1" ;;
    '# repdnsd -n'*) # the second command goes on
        check "${1%% && *}" bash -c "${1%% && *}"
        # shellcheck disable=SC2086 # a word each
        start repdnsd ${1##* && }
        ;;
    '# '*) check "$1" bash -c "${1#\# }" ;;
    *'| diff '*) check "$1" as_repdns "${1#\$ } || [ \$? = 1 ]" ;;
    *) check "$1" as_repdns "${1#\$ }" ;;
    esac
}

# examples PAGE: the commands of its EXAMPLES, a line each, "# " or "$ " before them, and cron's.
examples() {
    mandoc -T ascii -O width=200 "$ROOT_DIR/$1" | sed 's/.\x08//g' |
        awk '/^[A-Z]/ { on = $0 == "EXAMPLES" } on' |
        sed -e ':a' -e '/[\\|]$/{N;s/\\\n */ /;s/|\n */| /;ba' -e '}' |
        sed -nE 's/^ +([$#] |\*\/10 |15 3 )/\1/p'
}

follow_all() { # PAGE
    local command some=
    while IFS= read -r command <&3; do
        follow "$command"
        some=1
    done 3< <(examples "$1")
    check "$1 has examples" test -n "$some"
}

# lists NAME: the test's client is on that list, in whatever way it is asked.
lists() {
    answers 127.0.0.2 "7.113.0.203.$1" A
}

own_system
mount -t tmpfs -o mode=755 tmpfs /usr/local
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /usr/local/{bin,sbin} /etc/bind
sed -i '/^repdns:/d' /etc/passwd /etc/group
SERVER_PORT=5354
start_fixture "$E2E_DIR/mailworld/world.zone"

echo "# README: set it up"
follow_readme 'Set it up' adduser
chown repdns /var/backups/repdns /etc/bind
PATH=/usr/local/sbin:/usr/local/bin:$PATH
for page in 'repdns.conf 5' 'repdns 1' 'repdnsd 8' 'repdns-load 8' 'repdns-guide 7'; do
    check "the page ${page% *}" test -s "/usr/local/share/man/man${page#* }/${page/ /.}"
done
readme 'Set it up' state_dir >/etc/repdns/repdns.conf
awk -f "$E2E_DIR/mailworld/maillog.awk" "$E2E_DIR/mailworld/sessions" >/var/log/mail.log
chgrp adm /var/log/mail.log
chmod 640 /var/log/mail.log
echo '203.0.113.7 :127.0.0.2:$ was blocked by hand' >/etc/repdns/drop
readme 'Ask it from mail servers' 'stub-zone:' >/etc/unbound/unbound.conf.d/repdns.conf
own_resolver || e2e_stop "the resolver takes README's stub" "$(cat "$RUN/unbound.log")"
check_has "repdns check" "$(repdns check)" '0 errors'
readme 'Set it up' '*/10' >"$RUN/run"
as_cron "$(head -n 1 "$RUN/run")"
# shellcheck disable=SC2046 # a word each
start repdnsd $(tail -n 1 "$RUN/run")
within 5 lists ip.rep.internal || e2e_stop "the server answers" "$(cat "$RUN/repdnsd.log")"

echo "# README: ask it from mail servers"
through_resolver() {
    [ "$(dig +short "@$RESOLVER" 7.113.0.203.ip.rep.internal A)" = 127.0.0.2 ]
}
check "through unbound" within 5 through_resolver
mail_by() { # WORD: what a client on the list is told by the lines with the word
    write_postfix
    {
        echo 'local_transport = discard:'
        readme 'Ask it from mail servers' "$1"
    } >>"$RUN/postfix/etc/main.cf"
    start_postfix
    smtp "$MX4" 25 203.0.113.7 seven.isp.example a@good.example user@test.example
    stop_postfix
}
check_has "Postfix by the lists" "$(mail_by reject_rbl_client)" \
    '^554 .*blocked using ip\.rep\.internal; 203\.0\.113\.7 was blocked by hand'
start policy repdns policy
check_has "Postfix by the policy service" "$(mail_by check_policy_service)" \
    '^554 .*203\.0\.113\.7 was blocked by hand'
stop policy || true
while read -r command; do
    check "README: $command" as_repdns "$command"
done < <(readme 'Ask it from mail servers' 'repdns-load allow')
check_eq "a blocked network, in the next answer" "$(ask 200.113.0.203.ip.rep.internal A)" 127.0.0.2

echo "# the pages"
printf '192.0.2.1 mail.example.org\n203.0.113.9 -\n' >/var/lib/repdns/clients
follow_all loader/repdns-load.8
follow_all tools/repdns.1
check "a zone for BIND" named-checkzone ip.rep.internal /etc/bind/drop.zone
stop repdnsd || true
follow_all server/repdnsd.8
check "repdnsd by its page" within 5 lists ip.rep.internal

echo "# the configurations of repdns.conf(5)"
mapfile -t borders < <(awk '/^\.Sh/ { on = $0 == ".Sh EXAMPLES" } on && /^\.(Bd|Ed)/ { print NR }' \
    "$ROOT_DIR/zones/repdns.conf.5")
check_eq "blocks" "${#borders[@]}" 4
sed -n -e "$((borders[0] + 1)),$((borders[1] - 1))p" -e "$((borders[2] + 1)),$((borders[3] - 1))p" \
    "$ROOT_DIR/zones/repdns.conf.5" | sed 's,/var/vmail,/var/lib/vmail,' >/etc/repdns/repdns.conf
echo 198.51.100.99 >/etc/repdns/friends
mkdir -p /var/lib/vmail/cur
check_has "repdns check" "$(repdns check)" '0 errors'
stop repdnsd || true
rm /var/lib/repdns/* # of another server
check "its lists are loaded" as_repdns 'repdns-load import && repdns-load publish'
start repdnsd repdnsd
check "its zone \"strict\" answers" within 5 lists strict.rep.internal
stop repdnsd || true

echo "# from rbldnsd"
mkdir -p /var/lib/rbldns/data
for folder in /var/lib/rbldns /var/lib/rbldns/data; do
    echo '203.0.113.7' | tee "$folder/spammers" >"$folder/relays"
    echo bad.example >"$folder/names"
    echo 'www A 192.0.2.80' >"$folder/apex"
done
grep -q '^rbldns:' /etc/passwd || echo 'rbldns:x:5355:65534::/nonexistent:/usr/sbin/nologin' >>/etc/passwd
ip addr add 192.0.2.53/32 dev lo
old_name() {
    [ "$(dig +short @192.0.2.53 7.113.0.203.bl.example A)" = 127.0.0.2 ]
}
ends() {
    local pid
    pid=$(cat /run/rbldnsd.pid)
    kill "$pid" && within 5 test ! -e "/proc/$pid"
}
command=$(readme 'Coming from rbldnsd' 'repdns-rbldnsd')
for command in "# $command" "$(examples tools/repdns-rbldnsd.8)"; do
    follow "$command"
    check "the old name answers" within 5 old_name
    check "it ends" ends
done
e2e_end
