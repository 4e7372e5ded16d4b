#!/bin/bash
# dnstap: what is told of queries and answers, to a file and to a socket, whose reader may be slow,
# go away or come late.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin dnstap 120 "$@"
need /repdnsd /repdns-load /tests/tools/dnsload python3 fstrm_capture fstrm_dump

NAME=7.113.0.203.ip.rep.example
CONF=$RUN/repdns.conf STATE=$RUN/state OUT=$RUN/out
mkdir "$OUT"
chown repdns:repdns "$OUT"

# The newest value of a counter.
counter() { # NAME
    grep 'queries=' "$RUN/repdnsd.log" | tail -n 1 | grep -oE "(^| )$1=[0-9]+" | cut -d= -f2
}

# told FILE: a line for each frame.
cat >"$RUN/told.py" <<'EOF_PY'
"""Frame streams of dnstap, decoded by hand: framing, protocol buffers and DNS."""
import ipaddress, struct, sys

def varint(data, at):
    n = shift = 0
    while True:
        byte = data[at]
        at += 1
        n |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return n, at

def fields(data):
    at, out = 0, {}
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 2:
            n, at = varint(data, at)
            value, at = data[at:at + n], at + n
            assert len(value) == n
        elif key & 7 == 5:
            value, at = struct.unpack_from("<I", data, at)[0], at + 4
        else:
            raise ValueError(key)
        assert key >> 3 not in out
        out[key >> 3] = value
    return out

def name(wire):
    labels, at = [], 0
    while wire[at]:
        labels.append(wire[at + 1:at + 1 + wire[at]].decode())
        at += 1 + wire[at]
    return ".".join(labels)

data, at, controls = open(sys.argv[1], "rb").read(), 0, []
while at < len(data):
    n = struct.unpack_from(">I", data, at)[0]
    at += 4
    if n == 0:
        n = struct.unpack_from(">I", data, at)[0]
        controls.append(struct.unpack_from(">I", data, at + 4)[0])
        if controls[-1] == 2:
            assert b"protobuf:dnstap.Dnstap" in data[at + 4:at + 4 + n]
        at += 4 + n
        continue
    frame, at = fields(data[at:at + n]), at + n
    m = fields(frame[14])
    assert frame[15] == 1
    message = m.get(10, m.get(14, b""))
    flags = struct.unpack_from(">H", message, 2)[0] if message else 0
    print(frame.get(1, b"-").decode(), {1: "query", 2: "response"}[m[1]],
          {1: "IPv4", 2: "IPv6"}[m[2]], {1: "UDP", 2: "TCP"}[m[3]], ipaddress.ip_address(m[4]),
          "port" if m.get(6) else "-", name(m[11]) if 11 in m else "-",
          name(message[12:]) if message else "-", "QR" if flags & 0x8000 else "-",
          8 in m and 9 in m, 12 in m and 13 in m)
print("controls", controls)
EOF_PY
told() {
    python3 "$RUN/told.py" "$1"
}

state_folder "$STATE"
echo "203.0.113.7 :127.0.0.2:one" >"$RUN/clients"
conf
load "$CONF" run --as-of "$AS_OF" >"$RUN/load.log" 2>&1 || e2e_stop "load" "$(cat "$RUN/load.log")"

echo "# a file"
conf "dnstap { path = \"$OUT/tap\"  identity = \"ns1\" }"
start_server "$CONF"
dig +time=$DIG_S +tries=1 +noedns -p "$SERVER_PORT" @127.0.0.1 -b 203.0.113.9 "$NAME" TXT >/dev/null
dig +time=$DIG_S +tries=1 -p "$SERVER_PORT" @::1 -b 2001:db8:bad::9 +tcp www.example.org A >/dev/null
stop repdnsd || fail "repdnsd ends with exit code 0"
check "it is a frame stream" fstrm_dump "$OUT/tap"
told "$OUT/tap" | tail -n 5 >"$RUN/told"
check_eq "what it tells" "$(cat "$RUN/told")" \
    "ns1 query IPv4 UDP 203.0.113.0 - ip.rep.example $NAME - True False
ns1 response IPv4 UDP 203.0.113.0 - ip.rep.example $NAME QR False True
ns1 query IPv6 TCP 2001:db8:bad:: - - www.example.org - True False
ns1 response IPv6 TCP 2001:db8:bad:: - - www.example.org QR False True
controls [2, 3]"

echo "# a socket that nobody listens at yet, and whose reader goes"
conf "dnstap { path = \"$OUT/socket\"  addresses = full }"
start capture setpriv --reuid repdns --regid repdns --clear-groups \
    fstrm_capture -t protobuf:dnstap.Dnstap -u "$OUT/socket" -w "$OUT/captured"
within 5 test -S "$OUT/socket" || fail "fstrm_capture listens"
start_server "$CONF"
answers 127.0.0.2 -b 203.0.113.9 "$NAME" A || fail "an answer"
sleep 1 # a frame is on its way; fstrm_capture writes at its end
stop capture || true
check_has "whole addresses" "$(told "$OUT/captured")" \
    "^- response IPv4 UDP 203\.0\.113\.9 port ip\.rep\.example $NAME QR"
for _ in 1 2 3; do
    check "without a reader: answers" answers 127.0.0.2 "$NAME" A
    sleep 0.1
done
within 3 grep -qE 'dnstap .*(its reader has gone|Connection refused)' "$RUN/repdnsd.log" ||
    fail "a line says that it is gone" "$(cat "$RUN/repdnsd.log")"
rm -f "$OUT/socket"
start capture setpriv --reuid repdns --regid repdns --clear-groups \
    fstrm_capture -t protobuf:dnstap.Dnstap -u "$OUT/socket" -w "$OUT/again"
within 5 grep -q 'socket: open' "$RUN/repdnsd.log" || fail "it is found again" "$(tail -n 3 "$RUN/repdnsd.log")"
answers 127.0.0.2 "$NAME" A || fail "an answer"
stop repdnsd || fail "repdnsd ends with exit code 0"
stop capture || true
check_has "and told all" "$(told "$OUT/again")" "^- response IPv4 UDP 127\.0\.0\.1 port"

echo "# a reader that does not read"
rm -f "$OUT/socket"
cat >"$RUN/sleeper.py" <<'EOF_PY'
import os, socket, struct, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
s.listen(1)
c, _ = s.accept()
content = b"protobuf:dnstap.Dnstap"
field = struct.pack(">II", 1, len(content)) + content
c.recv(4096)                                                      # READY
c.sendall(struct.pack(">III", 0, 4 + len(field), 1) + field)       # ACCEPT
time.sleep(60)
EOF_PY
conf "dnstap { path = \"$OUT/socket\" }"
start sleeper python3 "$RUN/sleeper.py" "$OUT/socket"
within 3 test -S "$OUT/socket" || fail "the sleeper listens"
start_server "$CONF"
printf '%s\n' "$NAME" 8.113.0.203.ip.rep.example >"$RUN/names"
start dnsload timeout 60 "$BIN/tests/tools/dnsload" 127.0.0.1 "$SERVER_PORT" 1 "$RUN/names" 64
wait "${STARTED[dnsload]}" || fail "dnsload" "$(cat "$RUN/dnsload.log")"
unset "STARTED[dnsload]"
check_has "no answer waits: $(cat "$RUN/dnsload.log")" "$(cat "$RUN/dnsload.log")" ' 0 lost'
from=$(now_ms)
stop repdnsd || fail "repdnsd ends with exit code 0"
check "the end does not wait: $(($(now_ms) - from)) ms" test $(($(now_ms) - from)) -lt 5000
check "what it could not take is counted: $(counter dnstap-dropped)" test "$(counter dnstap-dropped)" -gt 1000
check "and what was lost at the end: $(counter dnstap-lost)" test "$(counter dnstap-lost)" -gt 1000
stop sleeper || true
e2e_end
