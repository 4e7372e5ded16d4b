# shellcheck shell=bash
# Port 53 by the capability of the unit, and by the socket unit, with which a restart loses nothing.
systemctl stop unbound # has port 53
sed -i 's/^listen = .*/listen = {"127.0.0.1@53", "::1@53"}/' "$CONF"
SERVER_PORT=53
check "restart for port 53" systemctl restart repdnsd
check "it answers there" within 5 ready_again
systemctl stop repdnsd
check "the socket unit" systemctl enable --now repdnsd.socket
check_eq "the server is not running" "$(property repdnsd ActiveState)" inactive
check "the first question starts it" within 5 serves "$NAME" 127.0.0.2
check_eq "it is running" "$(property repdnsd ActiveState)" active
check_has "over IPv6" "$(dig +short +time=2 @::1 "$NAME.rep.internal" A)" '^127\.0\.0\.2$'
check_has "over TCP" "$(dig +short +tcp +time=2 @127.0.0.1 "$NAME.rep.internal" A)" '^127\.0\.0\.2$'
ask_on "$NAME"
check "restart under queries" systemctl restart repdnsd
within 5 ready_again
asked "restart with systemd's sockets" 2
check_has "no question was lost" "$(tail -n 1 "$RUN/asking.log")" ' 0 without an answer'
systemctl disable -q --now repdnsd.socket
cp "$RUN/good.conf" "$CONF"
SERVER_PORT=5354
check "back to its own sockets" systemctl restart repdnsd
check "it answers" within 5 ready_again
systemctl start unbound
