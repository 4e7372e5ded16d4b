"""Clients over TCP, good and bad, for tcp.sh: prints what they saw, one "name value" a line."""
import os
import random
import resource
import select
import socket
import struct
import sys
import time

BIND_ADDRESS_NO_PORT = 24  # of linux/in.h
SERVER = (sys.argv[2], int(sys.argv[3]))
PATIENCE_S = 60  # for what a busy machine does late
NAME = "7.113.0.203.ip.rep.example"
LONG = "long.list.rep.example"  # its TXT is large


def query(name=NAME, qtype=1, number=7, options=None):
    labels = b"".join(bytes([len(l)]) + l.encode() for l in name.split("."))
    packet = struct.pack(">6H", number, 0x100, 1, 0, 0, options is not None)
    packet += labels + b"\0" + struct.pack(">2H", qtype, 1)
    if options is not None:
        packet += b"\0" + struct.pack(">HHIH", 41, 1232, 0, len(options)) + options
    return packet


def framed(packet):
    return struct.pack(">H", len(packet)) + packet


def connect(source="127.0.0.1", receive=None):
    s = socket.socket()
    s.settimeout(PATIENCE_S)
    s.setsockopt(socket.IPPROTO_IP, BIND_ADDRESS_NO_PORT, 1)
    if receive:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    s.bind((source, 0))
    s.connect(SERVER)
    return s


def read_exactly(s, n):
    data = b""
    while len(data) < n:
        more = s.recv(n - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def answer(s):
    return read_exactly(s, struct.unpack(">H", read_exactly(s, 2))[0])


def answered(s):
    """Whether a query gets its answer."""
    try:
        s.sendall(framed(query()))
        return answer(s)[3] & 15 == 0
    except (OSError, EOFError):
        return False


def is_closed(s, wait_s=0.0):
    poll = select.poll()
    poll.register(s, select.POLLIN)
    if not poll.poll(wait_s * 1000):
        return False
    try:
        return s.recv(1) == b""
    except OSError:
        return True


def say(name, value):
    print(name, value, flush=True)


def udp(count):
    """Median and 99th percentile of an answer's time in microseconds, and what was lost."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(5)
    s.connect(SERVER)
    times, lost = [], 0
    for i in range(count):
        packet = query(number=i & 0xffff)
        start = time.perf_counter()
        s.send(packet)
        try:
            while s.recv(4096)[:2] != packet[:2]:
                pass
            times.append((time.perf_counter() - start) * 1e6)
        except socket.timeout:
            lost += 1
    times.sort()
    say("udp-median-us", round(times[len(times) // 2]))
    say("udp-p99-us", round(times[len(times) * 99 // 100]))
    say("udp-lost", lost)


def idle(sources, each, more):
    """Idle connections of several networks, then more of one than it may have; waits for a line."""
    start = time.monotonic()
    held = [connect("127.0.%d.%d" % (i + 1, k % 4 + 1)) for i in range(sources) for k in range(each)]
    say("opened-in-s", round(time.monotonic() - start, 1))
    extra = [connect("127.0.200.1") for _ in range(more)]
    end, before, closed = time.monotonic() + PATIENCE_S, 0, 0
    while (closed == 0 or closed > before) and time.monotonic() < end:
        time.sleep(0.5)
        before, closed = closed, sum(is_closed(s) for s in extra)
    say("held", len(held) - sum(is_closed(s) for s in held))
    say("held-of-one", more - closed)
    sys.stdin.readline()
    say("held-at-last", len(held) - sum(is_closed(s) for s in held))


def talk():
    s = connect()
    for byte in framed(query(number=1)):
        s.sendall(bytes([byte]))
    say("one-byte-writes", answer(s)[:2].hex())
    s.sendall(b"".join(framed(query(number=n)) for n in range(500)))
    numbers = sorted(struct.unpack(">H", answer(s)[:2])[0] for _ in range(500))
    say("pipelined", numbers == list(range(500)))
    whole = framed(query(number=2)) + framed(query(number=3))
    s.sendall(whole[:50])
    time.sleep(0.05)
    s.sendall(whole[50:])
    say("cut-between", [answer(s)[1], answer(s)[1]] == [2, 3])
    s.sendall(framed(query(number=4)))
    s.shutdown(socket.SHUT_WR)
    say("half-closed", answer(s)[1] == 4)
    s = connect()
    s.sendall(framed(query(options=struct.pack(">HH", 11, 0))))
    say("keepalive", answer(s)[-6:].hex())
    s.sendall(framed(query(options=b"")))
    say("no-keepalive", answer(s)[-2:].hex())
    s.sendall(framed(query(LONG, 16)))
    whole = answer(s)
    say("whole", len(whole) > 1232 and not whole[2] & 2)
    s.sendall(b"\xff\xff")
    say("too-long-is-closed", is_closed(s, PATIENCE_S))
    s = connect()
    response = bytearray(query())
    response[2] |= 0x80
    s.sendall(framed(query(number=5)) + framed(bytes(response)) + framed(query(number=6)))
    say("response-is-closed", [answer(s)[1], is_closed(s, PATIENCE_S)] == [5, True])


def slow(count, idle_s):
    """Who asks for much and takes nothing. Good clients are served meanwhile."""
    ask = framed(query(LONG, 16)) * 400
    slow = [connect("127.0.%d.1" % (i % 50 + 1), 4096) for i in range(count)]
    end = time.monotonic() + 1
    for s in slow:
        s.setblocking(False)
    while time.monotonic() < end:
        for s in select.select([], slow, [], 0.1)[1]:
            try:
                s.send(ask)
            except OSError:
                pass
    say("served-beside-slow", all(answered(connect()) for _ in range(20)))
    udp(300)
    time.sleep(idle_s)
    poll = select.poll()
    for s in slow:
        poll.register(s, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
    end = time.monotonic() + PATIENCE_S
    while (left := count - len(poll.poll(0))) > 0 and time.monotonic() < end:
        time.sleep(0.2)
    say("slow-left", left)


def syn(count):
    """Connections that are half-open: their source never answers."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    to = socket.inet_aton(SERVER[0])
    for i in range(count):
        source = socket.inet_aton("198.18.%d.%d" % (i >> 8 & 255, i & 255))
        tcp = struct.pack(">HHIIBBHHH", 1024 + i % 60000, SERVER[1], i, 0, 5 << 4, 2, 1024, 0, 0)
        pseudo = source + to + struct.pack(">BBH", 0, 6, len(tcp)) + tcp
        total = sum(struct.unpack(">%dH" % (len(pseudo) // 2), pseudo))
        total = (total >> 16) + (total & 0xffff)
        check = ~(total + (total >> 16)) & 0xffff
        tcp = tcp[:16] + struct.pack(">H", check) + tcp[18:]
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40, i & 0xffff, 0, 64, 6, 0, source, to)
        raw.sendto(ip + tcp, (SERVER[0], 0))
    time.sleep(0.3)
    with open("/proc/net/tcp") as f:
        say("half-open", sum(line.split()[3] == "03" for line in f if ":" in line))
    say("served-beside-half-open", all(answered(connect("192.0.2.1")) for _ in range(20)))
    udp(300)


def evict(count):
    """All places are taken by one client, who keeps asking at the last one; another one comes."""
    held = [connect("127.0.1.1") for _ in range(count)]
    time.sleep(0.2)
    answered(held[0])
    other = connect("127.0.2.1")
    say("other-is-served", answered(other))
    say("oldest-is-closed", [is_closed(s) for s in held].index(True) == 1)
    say("busy-one-stays", answered(held[0]))


def churn(count):
    """Connections that come and go in every way."""
    for i in range(count):
        s = connect("127.0.%d.1" % (i % 50 + 1))
        way = random.randrange(4)
        if way == 0:
            answered(s)
        elif way == 1:
            s.send(b"\0\x20half")
        elif way == 2:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.send(framed(query()))
        s.close()
    say("churned", count)


resource.setrlimit(resource.RLIMIT_NOFILE, (20000, 20000))
COMMANDS = {f.__name__: f for f in (udp, idle, talk, slow, syn, evict, churn)}
COMMANDS[sys.argv[1]](*(int(a) for a in sys.argv[4:]))
