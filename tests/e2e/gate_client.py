"""Clients for gate.sh: a flood from a network, a steady client, one with a cookie, one with a key.

    flood PORT NAME SECONDS RATE ADDRESS...   queries from all addresses in turn: "SENT FULL TRUNCATED
                                              TOOK", in whole seconds
    steady PORT NAME SECONDS RATE ADDRESS     waits for each answer: "SENT ANSWERED WORST-MS"
    cookie PORT NAME COUNT ADDRESS            gets a server cookie, then asks with it: "ANSWERED"
    many PORT NAME COUNT ADDRESS              each from another port: "ANSWERED REFUSED"
"""
import math
import select
import socket
import struct
import sys
import time

SERVER = "127.0.0.1"
CLIENT_COOKIE = bytes(range(8))


def query(name, number, cookie=b""):
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split("."))
    option = struct.pack(">HH", 10, len(cookie)) + cookie if cookie else b""
    opt = b"\0" + struct.pack(">HHIH", 41, 1232, 0, len(option)) + option
    return struct.pack(">6H", number & 0xFFFF, 0x100, 1, 0, 0, 1) + labels + b"\0\0\1\0\1" + opt


def bound(address):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    s.bind((address, 0))
    return s


def take(sockets, counts, wait):
    for s in select.select(sockets, [], [], wait)[0]:
        reply = s.recv(1500)
        counts[1 if reply[2] & 2 else 0] += 1


def flood(name, seconds, rate, addresses):
    # Several ports of each, so that the kernel spreads them over the workers.
    sockets = [bound(a) for a in addresses for _ in range(8)]
    counts, sent, begin = [0, 0], 0, time.monotonic()
    while (now := time.monotonic() - begin) < seconds:
        while sent < now * rate:
            sockets[sent % len(sockets)].sendto(query(name, sent), (SERVER, PORT))
            sent += 1
        take(sockets, counts, 0.001)
    took = math.ceil(time.monotonic() - begin)
    end = time.monotonic() + 1
    while time.monotonic() < end:
        take(sockets, counts, 0.05)
    print(sent, *counts, took)


def ask(s, packet):
    begin = time.monotonic()
    s.sendto(packet, (SERVER, PORT))
    while select.select([s], [], [], 5.0)[0]:
        reply = s.recv(1500)
        if reply[:2] == packet[:2]:
            return reply, (time.monotonic() - begin) * 1000
    return None, 5000.0


def steady(name, seconds, rate, address):
    s, answered, worst, sent = bound(address), 0, 0.0, 0
    for sent in range(1, int(seconds * rate) + 1):
        reply, ms = ask(s, query(name, sent))
        answered += reply is not None and reply[2] & 2 == 0
        worst = max(worst, ms)
        time.sleep(1 / rate)
    print(sent, answered, int(worst))


def with_cookie(name, count, address):
    s, cookie, answered = bound(address), CLIENT_COOKIE, 0
    for number in range(-1, count):
        packet = query(name if number >= 0 else "cookie.for.me", number, cookie)
        reply, _ = ask(s, packet)
        if reply is None:
            continue
        at = reply.find(struct.pack(">HH", 10, 24) + CLIENT_COOKIE)
        cookie = reply[at + 4:at + 28] if at > 0 else cookie
        answered += number >= 0 and reply[2] & 2 == 0 and len(cookie) == 24
    print(answered)


def many(name, count, address):
    answered = refused = 0
    for number in range(count):
        with bound(address) as s:
            reply, _ = ask(s, query(name, number))
        answered += reply is not None and reply[3] & 15 == 0
        refused += reply is not None and reply[3] & 15 == 5
    print(answered, refused)


WHAT, PORT, NAME = sys.argv[1], int(sys.argv[2]), sys.argv[3]
if WHAT == "flood":
    flood(NAME, float(sys.argv[4]), float(sys.argv[5]), sys.argv[6:])
elif WHAT == "steady":
    steady(NAME, float(sys.argv[4]), float(sys.argv[5]), sys.argv[6])
elif WHAT == "cookie":
    with_cookie(NAME, int(sys.argv[4]), sys.argv[5])
else:
    many(NAME, int(sys.argv[4]), sys.argv[5])
