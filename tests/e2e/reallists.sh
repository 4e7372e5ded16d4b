#!/bin/bash
# Lists as people publish them (../shared/data/lists): each loads as what it is, counts agree with an
# independent count, and 100,000 random look-ups of each over UDP agree with a naive reference that
# knows nothing of repdns. LOOKUPS=N changes the number.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin reallists 400 "$@"
need /repdnsd /repdns-load /repdns
DATA=$ROOT_DIR/../shared/data/lists
[ -d "$DATA" ] || skip "../shared/data/lists is absent"

CONF=$RUN/repdns.conf STATE=$RUN/state
state_folder "$STATE"
write_conf "$CONF" "$STATE"
# name type: plain lists as they are, compressed; of tables the first columns, and a value.
lists="domains-disposable-curated.txt:dnset domains-disposable-ivolo.txt:dnset
ipv4-cidr-asn-150k.tsv:ip4trie ipv4-ipsum-levels.tsv:ip4set ipv4-ipsum.txt:ip4tset
ipv6-cidr-asn.tsv:ip6trie"
for list in $lists; do
    name=${list%%.*} type=${list#*:} file=${list%:*}
    from=$DATA/$file.gz
    [ -f "$from" ] || { fail "$file.gz is there" && continue; }
    case $file in
    *.tsv) zcat "$from" | awk -F '\t' '{ print $1 " :" $2 % 254 + 1 ":" }' | gzip -n1 >"$RUN/$name" ;;
    *) cp "$from" "$RUN/$name" ;;
    esac
    chmod 644 "$RUN/$name"
    cat >>"$CONF" <<EOF_LIST
list "$name" { type = $type  files = {"$RUN/$name"} }
zone "$name.test" { kind = list  datasets = {"$name"} }
EOF_LIST
done
check_eq "no list of the folder is left out" "$(find "$DATA" -type f | wc -l)" "$(wc -w <<<"$lists")"
rc=0
load "$CONF" --as-of "$AS_OF" --force run >"$RUN/load.log" 2>&1 || rc=$?
check_eq "all load: exit code" "$rc" 0
check_hasnt "without a warning" "$(cat "$RUN/load.log")" '/[a-z0-9-]+:[0-9]+: '
start_server "$CONF"

cat >"$RUN/reference.py" <<'PY'
"""LIST TYPE FILE PORT LOOKUPS: counts and look-ups against dictionaries of what the file says."""
import gzip, ipaddress, random, socket, struct, sys
name, kind, path, port, lookups = sys.argv[1:4] + [int(n) for n in sys.argv[4:6]]
rand = random.Random(1)
prefixes, addresses, names, keys = {}, {}, {}, []
for line in gzip.open(path, "rt"):
    words = line.split()
    if not words:
        continue
    value = f"127.0.0.{words[1].strip(':')}" if len(words) > 1 else "127.0.0.2"
    if kind == "dnset":
        names.setdefault(words[0].lower(), value)
    elif "/" in words[0]:
        net = ipaddress.ip_network(words[0])
        prefixes.setdefault((net.prefixlen, int(net.network_address)), value)
    else:
        addresses.setdefault(int(ipaddress.ip_address(words[0])), value)
table = names or prefixes or addresses
keys = list(table)
bits = 128 if kind == "ip6trie" else 32
lengths = sorted({k[0] for k in prefixes}, reverse=True)

def wanted(q):
    if kind == "dnset":
        return names.get(q)
    if addresses:
        return addresses.get(q)
    for n in lengths:
        found = prefixes.get((n, q >> (bits - n) << (bits - n)))
        if found:
            return found
    return None

def question():
    key = rand.choice(keys)
    how = rand.randrange(4)
    if kind == "dnset":
        if how == 0:
            return key
        if how == 1:
            return "x." + key
        if how == 2:
            return key.partition(".")[2] or key
        return key[:-1] + rand.choice("abcdefgh")
    if prefixes:
        length, base = key
        size = 1 << (bits - length)
        q = base + (rand.randrange(size) if how < 2 else rand.choice([-1, 0, size - 1, size]))
    else:
        q = key if how < 2 else key + rand.choice([-1, 1, 256])
    return rand.randrange(1 << bits) if how == 3 and rand.random() < .5 else q % (1 << bits)

def owner(q):
    if kind == "dnset":
        return q
    if bits == 32:
        return ".".join(str(q >> s & 255) for s in (0, 8, 16, 24))
    return ".".join(f"{q:032x}"[::-1])

sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(5)
sock.connect(("127.0.0.1", port))
asked = listed = wrong = 0
pending = {}

def collect():
    global listed, wrong
    data = sock.recv(1500)
    number, flags, _, answers = struct.unpack("!4H", data[:8])
    q = pending.pop(number)
    got = ".".join(str(b) for b in data[-4:]) if answers == 1 and flags & 15 == 0 else None
    if answers == 1:                # the A is the last four bytes: nothing follows it
        end = data.index(b"\0", 12) + 5
        got = ".".join(str(b) for b in data[end + 12:end + 16])
    want = wanted(q)
    listed += want is not None
    if answers > 1 or got != want or flags & 15 not in (0, 3) or (want and flags & 15):
        wrong += 1
        if wrong <= 5:
            print("DIFFERENCE", owner(q), "got", got, "wanted", want, file=sys.stderr)

while asked < lookups:
    q = question()
    text = f"{owner(q)}.{name}.test"
    # 127.0.0.2, 127.0.0.1, TEST and INVALID are every list's (RFC 5782).
    if kind != "dnset" and bits == 32 and q in (0x7f000001, 0x7f000002):
        continue
    labels = text.encode().split(b".")
    if any(not 0 < len(label) < 64 for label in labels):
        continue
    asked += 1
    pending[asked & 65535] = q
    sock.send(struct.pack("!6H", asked & 65535, 0, 1, 0, 0, 0) +
              b"".join(bytes([len(label)]) + label for label in labels) + b"\0\0\1\0\1")
    if len(pending) >= 32:
        collect()
while pending:
    collect()

def stretches():
    """How many disjoint ranges of one value each, neighbours joined, the addresses come to."""
    size = {k: 1 << (bits - k[0]) for k in prefixes}
    starts = {k[1] for k in prefixes} | {k[1] + size[k] for k in prefixes}
    starts |= {q for a in addresses for q in (a, a + 1)}
    count, before = 0, None
    for q in sorted(starts):
        value = wanted(q) if q < 1 << bits else None
        count += value is not None and value != before
        before = value
    return count

print(len(keys), asked, listed, wrong, len(names) or stretches())
PY
total=0
load "$CONF" status >"$RUN/status" 2>&1 || fail "status" "$(cat "$RUN/status")"
for list in $lists; do
    name=${list%%.*} type=${list#*:}
    result=$(python3 "$RUN/reference.py" "$name" "$type" "$RUN/$name" "$SERVER_PORT" "${LOOKUPS:-100000}" 2>&1)
    read -r keys asked listed wrong ranges <<<"$(tail -n 1 <<<"$result")"
    check_eq "$name ($type): of $asked look-ups, $listed listed, so many are wrong" "$wrong" 0
    [ "$wrong" = 0 ] || head -6 <<<"$result"
    lines=$(zcat "$DATA/${list%:*}.gz" | cut -f1 | sort -u | wc -l)
    total=$((total + $(zcat "$DATA/${list%:*}.gz" | wc -l)))
    check_eq "$name: different entries" "$keys" "$lines"
    check_eq "$name: what they come to in the store" \
        "$(sed -n "s/.*\b$name\b[^0-9]*\([0-9]*\) entries.*/\1/p" "$RUN/status" | head -n 1)" "$ranges"
done
check_has "entries of all that the loader counted" "$(cat "$RUN/load.log")" "; $total list entries;"
e2e_end
