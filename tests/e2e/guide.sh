#!/bin/bash
# The commands of repdns-guide(7), taken out of the page and run in their order.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin guide 120 "$@"
need /repdns /repdns-load /repdnsd unbound setpriv postconf named-checkzone
GUIDE=$ROOT_DIR/tools/repdns-guide.7
PATH=$BIN:$PATH

own_system
cat >/etc/postfix/main.cf <<'EOF_CF'
compatibility_level = 3.6
myhostname = mx.test.example
mynetworks = 127.0.0.0/8 192.0.2.0/24
EOF_CF
: >/etc/postfix/master.cf

# commands SECTION: a line each, without the prompt.
commands() {
    awk -v section=".Sh $1" '/^\.Sh/ { on = $0 == section } on' "$GUIDE" |
        sed -n 's/^\.Dl [#$] //p' | sed 's/\\(dq/"/g'
}

# block SECTION: what stands between .Bd and .Ed.
block() {
    awk -v section=".Sh $1" '/^\.Sh/ { on = $0 == section } on' "$GUIDE" |
        sed -n '/^\.Bd/,/^\.Ed/{/^\./!p}'
}

follow() { # COMMAND
    case $1 in
    zmprov* | 'grep reject_warning'*) return ;;
    repdnsd) start repdnsd repdnsd ;;
    *) check "$1" bash -c "$1" ;;
    esac
}

follow_all() { # SECTION
    local command
    while read -r command; do
        follow "$command"
    done < <(commands "$1")
}

start_fixture "$E2E_DIR/mailworld/world.zone"
own_resolver || e2e_stop "a resolver" "$(cat "$RUN/unbound.log")"

echo "# a private list for one MX"
follow_all "A PRIVATE LIST FOR ONE MX"
stop unbound || true
check "the resolver takes the stub" own_resolver
block "A PRIVATE LIST FOR ONE MX" >/etc/cron.d/repdns
while read -r _ _ _ _ _ user command; do
    check "cron, as $user: $command" setpriv --reuid "$user" --regid repdns --clear-groups \
        bash -c "$command"
done </etc/cron.d/repdns
repdns snippet postfix >>/etc/postfix/main.cf
report=$(repdns doctor) || true
check_has "the doctor finds the resolver well" "$report" '^ok    resolver'
check_has "and Postfix" "$report" '^ok    postfix: .* is tried'
check_hasnt "nothing fails" "$report" '^fail'
check "a copy is there" test -s /var/backups/repdns/history.mdb
stop repdnsd || true

echo "# root runs the loader"
chown -R root:root /var/lib/repdns && chown repdns:repdns /var/lib/repdns
rm /var/lib/repdns/history.mdb*
check "by mistake" repdns-load -q publish
check_eq "whose the files are: the folder's owner's" \
    "$(find /var/lib/repdns -type f ! \( -user repdns -group repdns \) -printf '%f\n')" ""
check "and so the loader goes on" load /etc/repdns/repdns.conf -q publish
chown root /var/lib/repdns/lock
check_has "a file of root's, kept from the loader" \
    "$(load /etc/repdns/repdns.conf publish 2>&1 || true)" \
    "lock: Permission denied; run this as the loader's user"
chown repdns /var/lib/repdns/lock

echo "# from rbldnsd"
mkdir -p /var/lib/rbldns
echo '203.0.113.7 :127.0.0.2:spam' >/var/lib/rbldns/spammers
block "FROM RBLDNSD" >>/etc/repdns/repdns.conf
follow_all "FROM RBLDNSD"
start repdnsd repdnsd
check "the old name answers" within 5 bash -c \
    '[ "$(dig +short @127.0.0.1 -p 5354 7.113.0.203.bl.example.org A)" = 127.0.0.2 ]'
stop repdnsd || true

echo "# behind Zimbra, and a public list"
rm /etc/repdns/*
follow_all "BEHIND ZIMBRA"
check_has "the log's format" "$(cat /etc/repdns/repdns.conf)" 'format = zimbra'
rm /etc/repdns/*
echo 'list "mine" { type = ip4set  files = {"/etc/repdns/mine"} }' >"$RUN/mine.conf"
echo '192.0.2.7' >"$RUN/mine"
while read -r command; do
    case $command in
    'repdns-load list'*)
        cat "$RUN/mine.conf" >>/etc/repdns/repdns.conf
        cp "$RUN/mine" /etc/repdns/mine
        repdns-load -q run >/dev/null 2>&1 || true
        ;;
    esac
    follow "$command"
done < <(commands "A PUBLIC LIST")
check_has "the delegation" "$(repdns snippet delegation)" '^rep\.example\.org\. .* NS mx\.test\.example'
e2e_end
