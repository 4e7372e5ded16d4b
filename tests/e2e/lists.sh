#!/bin/bash
# Own edits of lists: on the wire at once, kept over imports, gone when they expire; a run that is
# active; the brake; and a zone file of a list that says what repdnsd says.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin lists 180 "$@"
need /repdnsd /repdns-load /repdns flock
/usr/bin/python3 -c 'import dns.zone' 2>/dev/null || skip "needs dnspython: run make deps-test"

CONF=$RUN/repdns.conf STATE=$RUN/state
state_folder "$STATE"
write_conf "$CONF" "$STATE"
cat >>"$CONF" <<EOF_LISTS
list "drop" { type = ip4set  files = {"$RUN/drop"} }
list "six" { type = ip6trie  files = {"$RUN/six"} }
list "names" { type = dnset  files = {"$RUN/names"} }
list "friends" { type = ip4set  role = allow  files = {"$RUN/friends"} }
zone "drop.test" { kind = list  datasets = {"drop"} }
zone "six.test" { kind = list  datasets = {"six"} }
zone "names.test" { kind = list  datasets = {"names"} }
EOF_LISTS

# list_file NAME: standard input, renamed in.
list_file() {
    cat >"$RUN/$1.new"
    mv "$RUN/$1.new" "$RUN/$1"
}

# edit ARGUMENTS...: its output goes to $RUN/edit.log, its exit code to $RC.
edit() {
    RC=0
    load "$CONF" --as-of "$AS_OF" "$@" >"$RUN/edit.log" 2>&1 || RC=$?
}

edited() { # WHAT WANTED_CODE ARGUMENTS...
    local what=$1 wanted=$2
    shift 2
    edit "$@"
    if [ "$RC" = "$wanted" ]; then pass "$what"; else
        fail "$what" "exit code $RC, wanted $wanted" "$(cat "$RUN/edit.log")"
    fi
}

listed() { # WHAT ADDRESS WANTED
    check_eq "$1" "$(ask "$(reverse "$2").drop.test" A)" "$3"
}

python3 - "$RUN" <<'PY'
import random, sys
random.seed(4)
quad = lambda n: ".".join(str(n >> s & 255) for s in (24, 16, 8, 0))
with open(sys.argv[1] + "/drop", "w") as f:
    f.write(":127.0.0.5:is bad\n203.0.113.7\n203.0.113.64/26 :6:a network\n!203.0.113.70\n")
    for i in range(3000):
        a = random.randrange(20 << 24, 60 << 24)
        last = a + (random.choice([1, 255, 300, 70000]) if i < 60 else 0)
        f.write(f"{quad(a)}-{quad(last)} :{random.randrange(2, 5)}:range\n")
    f.write("61.0.0.0/8\n!61.7.0.0/16\n")
with open(sys.argv[1] + "/six", "w") as f:
    f.write("2a00::/12 :3:\n!2a01:4f8::/32\n2a01:4f8:1:2::/62 :4:x\n2a01:4f8::1\n")
with open(sys.argv[1] + "/names", "w") as f:
    for _ in range(150):
        name = ".".join(random.choice("abcd") for _ in range(random.randrange(1, 6)))
        mark = random.choice(["", "", "", "!"])
        value = "" if mark else random.choice(["", " :3:three", " :4"])
        f.write(mark + random.choice(["", ".", "*."]) + name + value + "\n")
open(sys.argv[1] + "/friends", "w").close()
PY
cp "$RUN/drop" "$RUN/good"
echo "192.0.2.25" >>"$RUN/drop"
edited "an own address, before there is a store" 5 run
check_has "says which then, too" "$(cat "$RUN/edit.log")" 'list drop would list 192.0.2.25 of own_net'
list_file drop <"$RUN/good"
edited "the lists are published" 0 run
start_server "$CONF"

echo "# on the wire at once"
cat >"$RUN/race.py" <<'PY'
"""Milliseconds from the start of a command to the first answer that lists an address."""
import socket, struct, subprocess, sys, time
port, address = int(sys.argv[1]), sys.argv[2]
name = address.split(".")[::-1] + ["drop", "test"]
query = struct.pack("!6H", 7, 0, 1, 0, 0, 0) + b"".join(
    bytes([len(label)]) + label.encode() for label in name) + b"\0\0\1\0\1"
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(5)
sock.connect(("127.0.0.1", port))
begin = time.monotonic()
command = subprocess.Popen(sys.argv[3:], stdout=subprocess.DEVNULL)
while time.monotonic() < begin + 10:
    sock.send(query)
    if struct.unpack("!6H", sock.recv(512)[:12])[3] > 0:
        break
    time.sleep(0.001)
print(round((time.monotonic() - begin) * 1000))
sys.exit(command.wait())
PY
for n in 1 2 3 4 5; do
    python3 "$RUN/race.py" "$SERVER_PORT" "198.51.100.$n" \
        setpriv --reuid repdns --regid repdns --clear-groups \
        "$BIN/repdns-load" -q -c "$CONF" list add drop "198.51.100.$n"
done >"$RUN/race.ms"
best=$(sort -n "$RUN/race.ms" | head -n 1)
if [ "$best" -le 100 ]; then pass "an added address answers after $best ms"; else
    fail "an added address answers within 100 ms" "$(tr '\n' ' ' <"$RUN/race.ms")"
fi

echo "# added, taken off, undone"
edited "with value, note and end" 0 list add drop 198.51.100.10 --for 30d \
    --value ':127.0.0.9:$ was a nuisance' --note 'seen in the "log"'
listed "its A" 198.51.100.10 127.0.0.9
check_eq "its TXT" "$(ask 10.100.51.198.drop.test TXT)" '"198.51.100.10 was a nuisance"'
edit list show drop
check_has "it is shown" "$(cat "$RUN/edit.log")" \
    '^add 198.51.100.10 added 2026-11-20T12:00:00Z expires 2026-12-20T12:00:00Z value 127.0.0.9 "\$ was a nuisance" note "seen in the \\"log\\""$'
edited "taken off" 0 list del drop 203.0.113.7 203.0.113.80/28
listed "an entry of the file" 203.0.113.7 ""
listed "part of a range" 203.0.113.85 ""
listed "and the rest of it" 203.0.113.96 127.0.0.6
echo "203.0.113.8" >>"$RUN/drop"
edited "the next import" 0 run
listed "changes what it says" 203.0.113.8 127.0.0.5
listed "and not what was added" 198.51.100.10 127.0.0.9
listed "nor what was taken off" 203.0.113.7 ""
edited "undone" 0 list undo drop 203.0.113.7 198.51.100.1
listed "the file's entry is back" 203.0.113.7 127.0.0.5
listed "the added one is gone" 198.51.100.1 ""
edited "an end in a month" 0 publish --as-of 2026-12-20T11:59:59
listed "still there before" 198.51.100.10 127.0.0.9
edited "a publish after it" 0 publish --as-of 2026-12-20T12:00:00
listed "removes it" 198.51.100.10 ""
edited "names too" 0 list add names .own.test
check_eq "and what is below" "$(ask deep.below.own.test.names.test A)" 127.0.0.2
edited "taken off with all below" 0 list del names '*.own.test'
check_eq "gone" "$(ask below.own.test.names.test A)" ""
check_eq "but the name itself" "$(ask own.test.names.test A)" 127.0.0.2
edited "of an allow list, verdicts are judged anew" 0 list add friends 198.51.100.77
"$BIN/repdns" -c "$CONF" dump >"$RUN/dump"
check_has "they leave it out" "$(cat "$RUN/dump")" '^address judged.never 198.51.100.77 '

echo "# words that are wrong"
edited "a list that is not there" 2 list add nothing 198.51.100.1
edited "an entry that is none" 2 list add drop 198.51.100.1 198.51.100.256
listed "changes nothing" 198.51.100.1 ""
edited "an exclusion" 2 list add drop '!198.51.100.1'
check_one_line "says what to do" "$(cat "$RUN/edit.log")" 'use list del instead'
edited "undo of what was never done" 1 list undo drop 198.51.100.1

echo "# a run that is active"
# hold: the lock, until $holder is killed.
hold() {
    flock -F "$STATE/lock" sleep 300 &
    holder=$!
    within 5 bash -c "! flock -n $STATE/lock true" || fail "the lock is held"
}
hold
: >"$RUN/edit.log"
(within 5 grep -q 'waiting at most 300 s' "$RUN/edit.log" && kill "$holder") &
freer=$!
edited "waits for it" 0 list add drop 198.51.100.20
wait "$freer" || true
check_has "and says so" "$(cat "$RUN/edit.log")" 'another run is active; waiting at most 300 s'
listed "right after" 198.51.100.20 127.0.0.5
hold
edited "not without end" 3 --wait 1 list add drop 198.51.100.21
edited "show does not wait" 0 list show drop
kill "$holder" 2>/dev/null || true
wait "$holder" 2>/dev/null || true
within 5 flock -n "$STATE/lock" true || fail "the lock is free"
listed "what was given up" 198.51.100.21 ""

echo "# the brake"
head -n 1000 "$RUN/good" | list_file drop
edited "a list that shrinks too much" 5 run
check_has "says which and how much" "$(cat "$RUN/edit.log")" \
    'list drop would shrink from 30[01][0-9] entries to 100[0-9], by more than max_change 50 %'
listed "what is served stays" 203.0.113.8 127.0.0.5
edited "edits wait too" 5 list add drop 198.51.100.30
listed "and are not made" 198.51.100.30 ""
edited "forced" 0 --force run
listed "it shrinks" 203.0.113.8 ""
list_file drop <"$RUN/good"
edited "and may grow only forced" 5 run
edited "as it was" 0 --force run
echo "192.0.2.25" >>"$RUN/drop"
edited "an own address" 5 run
check_has "says which" "$(cat "$RUN/edit.log")" 'list drop would list 192.0.2.25 of own_networks; '
edited "taken off by hand" 0 list del drop 192.0.2.0/24
edited "and all is well" 0 run
for bad in 0.0.0.0-255.255.255.255 10.0.0.0/8 192.168.7.1 192.0.2.9; do
    edited "$bad is not added" 5 list add drop "$bad"
done
echo "10.0.0.0/8" >>"$RUN/drop"
edited "a private range in the file" 5 run
edited "forced" 0 --force run
listed "it is served" 10.1.1.1 127.0.0.5
edited "and does not stop the next run" 0 run
listed "the test entry" 127.0.0.2 127.0.0.2

echo "# zone files"
for list in drop six names; do
    "$BIN/repdns" -c "$CONF" dump --as bind "$list" >"$RUN/$list.zone"
    got=$(/usr/bin/python3 - "$RUN/$list.zone" "$list" "$SERVER_PORT" <<'PY'
"""Asks the zone file, as RFC 1034 4.3.2 and RFC 4592 have it, and repdnsd the same questions."""
import random, socket, sys
import dns.message, dns.name, dns.query, dns.rdatatype, dns.zone
random.seed(9)
text = open(sys.argv[1]).read()
kind, port = sys.argv[2], int(sys.argv[3])
origin = dns.name.from_text(text.split("$ORIGIN ")[1].split()[0])
zone = dns.zone.from_text(text, relativize=True)
exists = set()
for name in zone.nodes:
    for n in range(len(name) + 1):
        exists.add(dns.name.Name(name[n:]))
def lookup(name, kind):
    if name not in exists:
        while name not in exists:
            name = dns.name.Name(name[1:])
        name = dns.name.Name((b"*",) + name.labels)
    found = zone.get_rdataset(name, kind)
    return sorted(r.to_text() for r in found) if found else []
def served(name, kind):
    question = dns.message.make_query(name.derelativize(origin), kind)
    answer = dns.query.tcp(question, "127.0.0.1", port=port, sock=sock).answer
    return sorted(r.to_text() for rrset in answer for r in rrset if rrset.rdtype == kind)
names = []
if kind == "names":
    for _ in range(1500):
        names.append(dns.name.Name([random.choice("abcde").encode()
            for _ in range(random.randrange(1, 7))]))
else:
    nodes = list(zone.nodes)
    for _ in range(700):
        name = list(random.choice(nodes).labels or (b"1",))
        full = 32 if kind == "six" else 4
        while len(name) < full or b"*" in name:
            if b"*" in name:
                name.remove(b"*")
            else:
                name.insert(0, (b"%x" % random.randrange(16)) if full == 32
                    else b"%d" % random.randrange(256))
        if random.random() < 0.5:
            k = random.randrange(full)
            name[k] = (b"%x" % random.randrange(16)) if full == 32 else b"%d" % random.randrange(256)
        if len(name) == full and name[-4:] != [b"2", b"0", b"0", b"127"]:
            names.append(dns.name.Name(name))
sock = socket.create_connection(("127.0.0.1", port))
wrong = listed = 0
for name in names:
    for rdtype in (dns.rdatatype.A, dns.rdatatype.TXT):
        want, have = lookup(name, rdtype), served(name, rdtype)
        listed += bool(want)
        if want != have:
            wrong += 1
            print(name, want, have, file=sys.stderr)
print(len(names) > 600 and listed > 200, wrong)
PY
    )
    check_eq "$list says what repdnsd says" "$got" "True 0"
done
e2e_end
