"""A client for day.sh that asks steadily over UDP, each query once, until it is told to end.

    PORT RATE LOST NAME=ADDRESS...   ADDRESS is the A record wanted, or "-" for NXDOMAIN

The names are asked in turn, so many a second, from sockets that reach all of the server's workers.
LOST gets a line for each query without an answer: when it was sent, in milliseconds since 1970.
SIGTERM ends it; then it prints "ASKED LOST WRONG WORST-MS", and a line for each of the first wrong
answers. What has no answer after WAIT_S is lost: however slow the machine is, what is late is not.
"""
import select
import signal
import socket
import struct
import sys
import time

SOCKETS, WAIT_S, WRONG_SHOWN = 16, 10, 10
NXDOMAIN = 3


def query(name):
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split("."))
    return struct.pack(">5H", 0x100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"


def answer_of(reply):
    """The last A record, "-" for NXDOMAIN, or the response code in words."""
    code, count = reply[3] & 15, struct.unpack(">H", reply[6:8])[0]
    if code == NXDOMAIN:
        return "-"
    return socket.inet_ntoa(reply[-4:]) if code == 0 and count == 1 else f"code {code}, {count} answers"


class Client:
    def __init__(self, port, lost_path, questions):
        self.questions = [(query(name), wanted, name) for name, wanted in questions]
        self.lost = open(lost_path, "w", buffering=1)
        self.asked = self.lost_count = 0
        self.worst_s, self.wrong, self.waiting = 0.0, [], {}
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(SOCKETS)]
        for s in self.sockets:
            s.setblocking(False)
            s.connect(("127.0.0.1", port))

    def ask(self):
        text, wanted, name = self.questions[self.asked % len(self.questions)]
        s = self.sockets[self.asked % SOCKETS]
        number = self.asked // SOCKETS % 65536
        # Where nobody listened the kernel says so with the next call, and that sends nothing.
        for _ in range(2):
            try:
                s.send(struct.pack(">H", number) + text)
                break
            except OSError:
                pass
        self.waiting[s, number] = (time.time(), wanted, name)
        self.asked += 1

    def take(self, timeout_s):
        for s in select.select(self.sockets, [], [], max(timeout_s, 0))[0]:
            try:
                reply = s.recv(2000)
            except OSError:
                continue
            sent = self.waiting.pop((s, struct.unpack(">H", reply[:2])[0]), None)
            if sent is None:
                continue
            self.worst_s = max(self.worst_s, time.time() - sent[0])
            if answer_of(reply) != sent[1]:
                self.wrong.append(f"{sent[2]}: {answer_of(reply)}, not {sent[1]}")

    def give_up(self, before_s):
        for key in [k for k, sent in self.waiting.items() if sent[0] < before_s]:
            self.lost.write(f"{self.waiting.pop(key)[0] * 1000:.0f}\n")
            self.lost_count += 1


def main():
    port, rate, lost_path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    client = Client(port, lost_path, [word.split("=") for word in sys.argv[4:]])
    ending = []
    signal.signal(signal.SIGTERM, lambda *_: ending.append(True))
    start = time.monotonic()
    while not ending:
        if client.asked <= (time.monotonic() - start) * rate:
            client.ask()
        client.take(start + client.asked / rate - time.monotonic())
        if client.asked % rate == 0:
            client.give_up(time.time() - WAIT_S)
    end = time.monotonic() + WAIT_S
    while client.waiting and time.monotonic() < end:
        client.take(0.1)
    client.give_up(float("inf"))
    print(client.asked, client.lost_count, len(client.wrong), round(client.worst_s * 1000))
    print("\n".join(client.wrong[:WRONG_SHOWN]))


main()
