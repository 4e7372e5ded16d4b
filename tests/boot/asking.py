#!/usr/bin/env python3
"""Asks a name server a hundred times a second until SIGTERM: asking.py PORT NAME WAIT

Waits so many seconds for each. Prints how many answers were not the address 127.0.0.2, and the
longest time between two answers. A new socket each time, as resolvers have.
"""
import signal
import socket
import struct
import sys
import time

EVERY_S = 0.01
WANTED = bytes([127, 0, 0, 2])


def query(number, name):
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split("."))
    return struct.pack(">HHHHHH", number, 0, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"


def main():
    port, name, wait_s = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(1))
    asked = answered = wrong = 0
    longest, last = 0.0, time.monotonic()
    while not ended:
        asked += 1
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.settimeout(wait_s)
        sock.connect(("127.0.0.1", port))
        try:
            sock.send(query(asked & 0xFFFF, name))
            answer = sock.recv(512)
            answered += 1
            wrong += answer[-4:] != WANTED
            now = time.monotonic()
            longest, last = max(longest, now - last), now
        except OSError:
            pass
        sock.close()
        time.sleep(EVERY_S)
    longest = max(longest, time.monotonic() - last)
    print(f"asked {asked} times, {asked - answered} without an answer, {wrong} wrong,",
          f"longest {longest:.2f} s")


main()
