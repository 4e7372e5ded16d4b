#!/bin/bash
# HOPM, which guards an IRC server, asks repdnsd by the block of tools/mta/hopm, taken as it is.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=mta.sh
. "$(dirname "$0")/mta.sh"
e2e_begin hopm 60 "$@"
need unbound python3 /repdnsd /repdns-load /tests/tools/dnsfixture
apart hopm
program HOPM hopm
# Its configuration has a fixed place, too.
mount -t overlay -o "lowerdir=$APART_DIR/hopm/etc:/etc" overlay /etc
for file in "$RUN"/etc/*; do
    mount --bind "$file" "/etc/${file##*/}"
done

mta_conf
serve_mailworld "repdns-load run makes HOPM's world"
cat - "$MTA_DIR/hopm/opm.conf" >"$RUN/hopm.conf" <<EOF_CONF
options {
	pidfile = "$RUN/hopm.pid";
	dns_timeout = 5 seconds;
};
irc {
	nick = "hopm";
	realname = "hopm";
	username = "hopm";
	server = "127.0.0.1";
	port = 6667;
	oper = "hopm operpass";
	mode = "+c";
	channel { name = "#hopm"; };
	connregex = "\\\\*\\\\*\\\\* Notice -- Client connecting: ([^ ]+) \\\\(([^@]+)@([^\\\\)]+)\\\\) \\\\[([0-9a-f\\\\.:]+)\\\\].*";
	kline = "KLINE 180 *@%i :not ours";
};
EOF_CONF
start ircd python3 "$E2E_DIR/mailworld/ircd.py" 6667 203.0.113.7 203.0.113.9 2001:db8:bad::9 \
    198.51.100.20
joinable() { # without joining: it takes one client
    ss -ltn | grep -q 127.0.0.1:6667
}
within 5 joinable || e2e_stop "ircd.py listens" "$(cat "$RUN/ircd.log")"
mount --bind "$RUN/hopm.conf" /etc/hopm/hopm.conf
start hopm hopm -d
klines() {
    [ "$(grep -c ^KLINE "$RUN/ircd.log")" -ge 3 ]
}
within 20 klines || fail "HOPM acts" "$(cat "$RUN/hopm.log" "$RUN/ircd.log")"
within 2 was_asked "$(wire_ip 198.51.100.20 ip)" A || true
got=$(cat "$RUN/ircd.log")
result "client on a list" "$(wire_ip 203.0.113.7 ip)" "$got" \
    '^KLINE 180 \*@203\.0\.113\.7 :listed by ip\.rep\.example, see https://rep\.example/why\?q=203\.0\.113\.7'
result "client with a bad score" "$(wire_ip 203.0.113.9 ip)" "$got" '^KLINE 180 \*@203\.0\.113\.9 .*'
result "IPv6 client with a bad score" "$(wire_ip 2001:db8:bad::9 ip)" "$got" \
    '^KLINE 180 \*@2001:db8:bad::9 .*'
asked "an honest client" "$(wire_ip 198.51.100.20 ip)" A
check_hasnt "which is not banned" "$got" '^KLINE .*198\.51\.100\.20'
e2e_end
