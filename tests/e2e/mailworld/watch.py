#!/usr/bin/env python3
"""Asks a name server for the generation of an entry, again and again, until SIGTERM.

watch.py PORT NAME

Each ANY query must be answered, by an A record 127.1.H.L and a TXT "generation N" with N = 256 H +
L, and N must never decrease. Prints a summary line; the exit code is 0 if all was well.
"""
import random
import re
import signal
import socket
import struct
import sys

TYPE_A, TYPE_TXT, TYPE_ANY = 1, 16, 255
WAIT_S = 10.0


def query(ident, name):
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split("."))
    question = labels + b"\0" + struct.pack(">HH", TYPE_ANY, 1)
    return struct.pack(">HHHHHH", ident, 0, 1, 0, 0, 0) + question


def skip_name(packet, at):
    while packet[at] != 0:
        if packet[at] >= 0xC0:
            return at + 2
        at += packet[at] + 1
    return at + 1


def generations(packet):
    """The generations that the answer's records carry, by type."""
    flags, questions, answers = struct.unpack(">HHH", packet[2:8])
    if flags & 15 != 0 or questions != 1:
        raise ValueError(f"response code {flags & 15}")
    at = skip_name(packet, 12) + 4
    found = {}
    for _ in range(answers):
        at = skip_name(packet, at)
        kind, _, _, size = struct.unpack(">HHIH", packet[at : at + 10])
        data = packet[at + 10 : at + 10 + size]
        at += 10 + size
        if kind == TYPE_A:
            found.setdefault("A", []).append(data[2] * 256 + data[3])
        if kind == TYPE_TXT:
            text = re.fullmatch(rb"generation (\d+)", data[1:])
            found.setdefault("TXT", []).append(int(text[1]) if text else -1)
    return found


class Watch:
    def __init__(self):
        self.ended = False
        self.asked = self.unanswered = self.wrong = self.mixed = self.back = 0
        self.seen = set()
        self.last = 0
        self.example = ""

    def end(self, *_):
        self.ended = True

    def judge(self, packet):
        try:
            found = generations(packet)
        except (ValueError, IndexError, struct.error) as error:
            self.wrong += 1
            self.example = self.example or str(error)
            return
        if sorted(found) != ["A", "TXT"] or any(len(x) != 1 for x in found.values()):
            self.wrong += 1
            self.example = self.example or str(found)
            return
        generation = found["A"][0]
        if generation != found["TXT"][0]:
            self.mixed += 1
            self.example = self.example or str(found)
        if generation < self.last:
            self.back += 1
            self.example = self.example or f"{generation} after {self.last}"
        self.last = generation
        self.seen.add(generation)

    def run(self, port, name):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.settimeout(WAIT_S)
        sock.connect(("127.0.0.1", port))
        while not self.ended:
            ident = random.randrange(65536)
            self.asked += 1
            try:
                sock.send(query(ident, name))
                packet = sock.recv(4096)
                while packet[:2] != struct.pack(">H", ident):
                    packet = sock.recv(4096)
            except OSError:
                self.unanswered += 1
                continue
            self.judge(packet)
        print(
            f"{self.asked} asked, {self.unanswered} unanswered, {self.wrong} wrong, "
            f"{self.mixed} mixed, {self.back} went back, {len(self.seen)} generations seen"
            + (f"; for example {self.example}" if self.example else "")
        )
        return 1 if self.unanswered or self.wrong or self.mixed or self.back else 0


def main():
    watch = Watch()
    signal.signal(signal.SIGTERM, watch.end)
    sys.exit(watch.run(int(sys.argv[1]), sys.argv[2]))


main()
