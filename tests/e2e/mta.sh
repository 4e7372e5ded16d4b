# shellcheck shell=bash
# shellcheck source-path=SCRIPTDIR source=lib.sh
# What the end-to-end tests of mail servers share beyond lib.sh: one world of listed and honest
# senders, programs that were unpacked and not installed, and the table of results.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

MTA_DIR=$ROOT_DIR/tools/mta
APART_DIR=$ROOT_DIR/build/mta
# The result lines of this script, tab-separated; tests/e2e/run names a file that all append to.
E2E_TABLE=${E2E_TABLE:-/dev/null}

# apart PACKAGE|FOLDER...: lays the unpacked packages, and folders of the script's own, over the
# system's /usr, in this mount namespace only.
apart() {
    local package lower=
    for package in "$@"; do
        case $package in
        /*)
            lower="$lower$package:"
            continue
            ;;
        esac
        [ -s "$APART_DIR/$package/VERSION" ] ||
            skip "needs $APART_DIR/$package: run tests/install-deps deps-test"
        lower="$lower$APART_DIR/$package/usr:"
    done
    mount -t overlay -o "lowerdir=$lower/usr" overlay /usr 2>/dev/null || skip "needs overlay mounts"
}

# apart_file PACKAGE FILE: sets APART_FILE to a program of an unpacked package that lies outside /usr.
apart_file() {
    APART_FILE=$APART_DIR/$1/$2
    [ -x "$APART_FILE" ] || skip "needs $APART_FILE: run tests/install-deps deps-test"
}

# program NAME PACKAGE: what the table's lines are about.
program() {
    PROGRAM=$1
    if [ -s "$APART_DIR/$2/VERSION" ]; then
        VERSION=$(cat "$APART_DIR/$2/VERSION")
    else
        VERSION=$(dpkg-query -W -f '${Version}' "$2")
    fi
}

# add_users NAME...: in this mount namespace only, each with a group of its own.
add_users() {
    local name id=5400
    for name in "$@"; do
        id=$((id + 1))
        grep -q "^$name:" "$RUN/etc/passwd" ||
            echo "$name:x:$id:$id:$name:/nonexistent:/usr/sbin/nologin" >>"$RUN/etc/passwd"
        grep -q "^$name:" "$RUN/etc/group" || echo "$name:x:$id:" >>"$RUN/etc/group"
    done
}

# mta_conf: $RUN/repdns.conf, of what tools/mta/repdns.conf adds and of the lists that it names.
#   203.0.113.7     listed, with a text of its own    203.0.113.8  listed, with ours
#   203.0.113.9     judged: a forger without a reverse name        198.51.100.99  welcome
mta_conf() {
    mkdir -p "$RUN/lists"
    cat >"$RUN/lists/clients" <<'EOF_LIST'
203.0.113.7 :127.0.0.2:$ was blocked by hand; ask postmaster@rep.example
203.0.113.8
EOF_LIST
    cat >"$RUN/lists/names" <<'EOF_LIST'
spammer.example
.wild.example :127.0.1.2:wildcard match of $
EOF_LIST
    echo badhelo.example >"$RUN/lists/helos"
    echo '198.51.100.99 :127.0.10.3:a partner' >"$RUN/lists/welcome"
    echo 'mail.good.example :127.0.10.2:a friend' >"$RUN/lists/welcome-names"
    awk -f "$E2E_DIR/mailworld/maillog.awk" "$E2E_DIR/mailworld/sessions" >"$RUN/mail.log"
    state_folder "$RUN/state"
    state_folder "$RUN/log"
    write_conf "$RUN/repdns.conf" "$RUN/state"
    cat >>"$RUN/repdns.conf" <<EOF_CONF
log { path = "$RUN/mail.log" }
list "clients" { type = ip4set  files = {"$RUN/lists/clients"} }
list "names" { type = dnset  files = {"$RUN/lists/names"} }
query_log { path = "$RUN/log/queries"  format = text }
EOF_CONF
    sed "s,/etc/repdns/,$RUN/lists/," "$MTA_DIR/repdns.conf" >>"$RUN/repdns.conf"
}

# mta_keys: the zone "keyed" too, for the key 0k3y0f0client, which logs call "client"; others get an
# error's value.
mta_keys() {
    echo 'client 0k3y0f0client on 0 0' >"$RUN/lists/keys"
    cat >>"$RUN/repdns.conf" <<EOF_CONF
keys { file = "$RUN/lists/keys" }
zone "ip" { datasets = {"clients", "judged.ip"} }
zone "keyed" { kind = address  datasets = {"clients"}  keyed = yes  errors = codes }
EOF_CONF
}

# was_asked NAME TYPE: repdnsd answered that, whatever the case of the name.
was_asked() {
    grep -qiF " name=$1 type=$2 " "$RUN/log/queries"
}

# asked WHAT NAME TYPE: the same as a check; the log is written with a short delay.
asked() {
    if within 2 was_asked "$2" "$3"; then
        pass "$1: asked $2 $3"
    else
        fail "$1: not asked: $2 $3" "$(tail -n 15 "$RUN/log/queries")"
    fi
}

# wire_ip ADDRESS ZONE: the name of an address in a zone.
wire_ip() {
    echo "$(reverse "$1").$2.rep.example"
}

# result SENT NAME[/TYPE] GOT REGEX: that the server was asked the name (A, unless another type is
# given) and that the user saw what the expression matches; it becomes a line of the table. With "-"
# for the name nothing must have been asked for it.
result() {
    local sent=$1 name=${2%/*} type=A seen
    [ "$name" = "$2" ] || type=${2#*/}
    seen=$(grep -oE -m 1 -- "$4" <<<"$3" | head -n 1 || true)
    if [ -z "$seen" ]; then
        fail "$PROGRAM: $sent" "wanted /$4/ in:" "$3"
        return
    fi
    pass "$PROGRAM: $sent: $seen"
    [ "$name" = - ] || asked "$PROGRAM: $sent" "$name" "$type"
    [ "$name" = - ] || name="$name $type"
    printf '%s\t%s\t%s\t%s\t%s\n' "$PROGRAM" "$VERSION" "$sent" "$name" "${seen:0:120}" >>"$E2E_TABLE"
}

# Replies of several lines as one.
unfold_replies() {
    awk '{
        line = $0
        if (match(line, /^[245][0-9][0-9]-/)) {
            text = text == "" ? substr(line, 1, 3) " " substr(line, 5) : text " " substr(line, 5)
            next
        }
        print (text == "" ? line : text " " substr(line, 5))
        text = ""
    }'
}

# send_mail PORT CLIENT HELO SENDER [RECIPIENT]: a mail to user@test.example, and what the client saw.
send_mail() {
    local server=$MX4
    case $2 in
    *:*) server=$MX6 ;;
    esac
    python3 "$E2E_DIR/mailworld/smtp.py" "$server" "$1" "$2" "$3" "$4" "${5:-user@test.example}" \
        data 2>&1 | unfold_replies || true
}

listens() { # ADDRESS PORT
    python3 -c 'import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 1)' "$@"
}
