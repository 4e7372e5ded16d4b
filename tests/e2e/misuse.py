"""The replayed sessions, for misuse.sh.

    misuse.py world LOG ROWS DIR [SEED HALF]  DIR/world.zone, DIR/mail-*.log, DIR/sessions
    misuse.py matrix DIR PORT shipped|informs|unseen

Of the DNS of then little is known. Where the log and the rows say nothing, names speak against
clients: a reverse name that was not confirmed does not resolve back, and a HELO name is elsewhere
unless it is the reverse name. Sender domains exist and the rows' SPF results, which have no fail,
make policies of theirs: what dom. and pair. do to senders can't be measured here.

With a seed, the world has the clients of one half of the networks (/24) alone, and DIR/learn is the
labelled mail of the other half, so that weights that are learnt from it know nobody in the world,
and what counts how many do the same counts among others than in the whole world. Rules that people
wrote have seen both halves.
"""
import collections, csv, gzip, hashlib, re, socket, struct, sys

ZONES = ("ip", "dom", "helo", "pair"), ("hint", "spf", "score", "wl")
SESSION = re.compile(r"NOQUEUE: info: RCPT from (\S+)\[([^]]+)\]: .*from=<([^>]*)> to=<(ham|spam)@"
                     r"test\.local> proto=\S+ helo=<([^>]*)>")
CLIENT = re.compile(r"(?: from |: client=)\S+\[([^]]+)\]")
MAIL = re.compile(r"\]: ([0-9A-F]{6,}): ")
ELSEWHERE = "198.51.100.250"
HOST = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*$")


def reverse(ip):
    if ":" in ip:
        whole = socket.inet_pton(socket.AF_INET6, ip).hex()
        return ".".join(reversed(whole))
    return ".".join(reversed(ip.split(".")))


def half_of(ip, seed):
    net = ip.rsplit(".", 1)[0] if "." in ip else ":".join(ip.split(":")[:3])
    return hashlib.sha256((seed + net).encode()).digest()[0] % 2


def of_half(lines, seed, half):
    """The lines of clients of the half, and those of no client."""
    gone = set()
    for line in lines:
        client, mail = CLIENT.search(line), MAIL.search(line)
        if client and not client[1].startswith("127."):
            if half_of(client[1].removeprefix("IPv6:"), seed) != half:
                gone.add(mail[1] if mail else None)
                continue
        elif mail and mail[1] in gone:
            continue
        yield line


def write_labelled(rows, folder, seed, half):
    """What repdns-load learn reads, of the other half."""
    with open(rows, encoding="latin-1") as file, open(f"{folder}/learn", "w") as out:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if half_of(row["ip"], seed) != half:
                status = row["rdns_status"]
                out.write("\t".join((row["label"], row["ip"], status if status != "nr" else "unknown",
                                     row["rdns"], row["helo"],
                                     row["env_domain"] or row["from_domain"])) + "\n")


def make_world(log, rows, folder, seed=None, half=None):
    lines = gzip.open(log, "rt", errors="replace").read().splitlines()
    if seed is not None:
        lines = list(of_half(lines, seed, int(half)))
        write_labelled(rows, folder, seed, int(half))
    for day in 22, 23, 24:
        with open(f"{folder}/mail-{day}.log", "w") as out:
            for line in lines:
                out.write(f"Nov {day}{line[6:]}\n")
    names, domains, results = {}, set(), collections.defaultdict(dict)
    unverified, helos = {}, set()
    with open(rows, encoding="latin-1") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["rdns_status"] == "forged" and HOST.match(row["rdns"] or " "):
                unverified[row["ip"]] = row["rdns"].lower()
            domain = (row["env_domain"] or row["from_domain"]).lower()
            if row["spf"] not in ("", None):
                results[domain][row["ip"]] = row["spf"].lower()
    with open(f"{folder}/sessions", "w") as out:
        for line in lines:
            found = SESSION.search(line)
            if not found:
                continue
            name, ip, sender, label, helo = found.groups()
            ip = ip.removeprefix("IPv6:")
            domain = sender.rpartition("@")[2].lower()
            if name != "unknown":
                names[ip] = name.lower()
            if domain:
                domains.add(domain)
            ptr = names.get(ip) or unverified.get(ip, "")
            if is_name(helo):
                helos.add(helo.lower())
            out.write("\t".join((label, ip, names.get(ip, ""), ptr, helo, domain)) + "\n")
    with open(f"{folder}/world.zone", "w") as out:
        write_zone(out, names, unverified, domains, results)
        for helo in sorted(helos - set(names.values())):
            out.write(f"{helo} A {ELSEWHERE}\n")


def write_zone(out, names, unverified, domains, results):
    out.write(f"a.root-servers.net A 198.41.0.4\nmx.elsewhere.net A {ELSEWHERE}\n")
    for ip, name in {**unverified, **names}.items():
        out.write(f"{reverse(ip)}.{'ip6' if ':' in ip else 'in-addr'}.arpa PTR {name}\n")
        if ip in names:
            out.write(f"{name} {'AAAA' if ':' in ip else 'A'} {ip}\n")
    for domain in sorted(domains):
        if not HOST.match(domain):
            continue
        out.write(f"{domain} MX 10 mx.elsewhere.net\n")
        said = results.get(domain, {})
        if said:
            permitted = " ".join(f"ip{'6' if ':' in ip else '4'}:{ip}"
                                 for ip, result in said.items() if result == "pass")
            every = "-all" if "fail" in said.values() else "~all"
            out.write(f'{domain} TXT "v=spf1 {permitted} {every}"\n')


def is_name(text):
    return bool(HOST.match(text)) and len(text) < 200 and "." in text


# What Postfix asks, below the zone; None where it does not ask.
RESTRICTIONS = {
    "rbl_client": lambda s: reverse(s[1]),
    "rhsbl_client": lambda s: s[2] if is_name(s[2]) else None,
    "rhsbl_reverse_client": lambda s: s[3] if is_name(s[3]) else None,
    "rhsbl_helo": lambda s: s[4] if is_name(s[4]) else None,
    "rhsbl_sender": lambda s: s[5] if is_name(s[5]) else None,
    "rhsbl_recipient": lambda s: "test.local",
}
WINDOW = 64


def ask_all(port, names):
    """Of each name whether it has an A record, and its response code."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect(("127.0.0.1", port))
    sock.settimeout(2)
    answers, todo = {}, sorted(names)
    for begin in range(0, len(todo), WINDOW):
        part, tries = dict(enumerate(todo[begin:begin + WINDOW])), 0
        while part:
            for number, name in part.items():
                labels = b"".join(bytes([len(l)]) + l.encode() for l in name.split("."))
                sock.send(struct.pack("!6H", number, 0, 1, 0, 0, 0) + labels + b"\0\0\1\0\1")
            try:
                while part:
                    number, flags, _, count = struct.unpack("!4H", sock.recv(4096)[:8])
                    if number in part:
                        answers[part.pop(number)] = count > 0, flags & 15
            except socket.timeout:
                tries += 1
                if tries == 5:
                    sys.exit(f"no answer: {next(iter(part.values()))}")
    return answers


def matrix(folder, port, which):
    sessions = [line.rstrip("\n").split("\t") for line in open(f"{folder}/sessions")]
    labels = collections.defaultdict(set)
    for session in sessions:
        labels[session[1]].add(session[0])
    # A client with both labels is ham.
    ham = {ip for ip, said in labels.items() if "ham" in said}
    spam = set(labels) - ham
    zones = ZONES[1] if which == "informs" else ZONES[0] + ZONES[1] if which == "shipped" else ZONES[0]
    asked = {(r, z): [(f"{name}.{z}.rep.example", s[1]) for s in sessions if (name := ask(s))]
             for r, ask in RESTRICTIONS.items() for z in zones}
    answers = ask_all(port, {name for pairs in asked.values() for name, _ in pairs})
    bad = 0
    print(f"{len(sessions)} sessions, {len(ham)} ham clients, {len(spam)} spam clients; "
          "% of ham / of spam clients rejected")
    print("%-22s" % "" + "".join("%16s" % zone for zone in zones))
    for restriction in RESTRICTIONS:
        line = "%-22s" % restriction
        for zone in zones:
            hit = {ip for name, ip in asked[restriction, zone] if answers[name][0]}
            shares = [100 * len(hit & of) / len(of) for of in (ham, spam)]
            line += "%16s" % ("%.2f / %.2f" % tuple(shares))
            if which != "informs":
                bad += len(hit & ham) * 200 > len(ham) or (zone in ZONES[1] and bool(hit))
        print(line)
    if which == "shipped":
        refused = all(code == 5 for name, (_, code) in answers.items()
                      if name.split(".")[-3] in ZONES[1])
        print("informational zones:", "all REFUSED" if refused else "NOT all REFUSED")
        bad += not refused
    return 1 if bad else 0


if sys.argv[1] == "world":
    make_world(*sys.argv[2:])
else:
    sys.exit(matrix(sys.argv[2], int(sys.argv[3]), sys.argv[4]))
