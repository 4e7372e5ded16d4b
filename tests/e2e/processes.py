"""What e2e/processes.sh needs of systemd and of clients.

    pass ADDRESS@PORT... -- COMMAND...   binds UDP and TCP there and hands them to the command, as a
                                         socket unit does; a leading "udp:" or "tcp:" is that alone
    notify SOCKET SECONDS                prints what is said there, a message a line
    source ADDRESS... -- PORT NAME       asks each over UDP, prints where the answer came from
    gap SECONDS PORT NAME                asks every millisecond, each time by a socket of its own;
                                         prints a line "begin", then the longest time in ms between
                                         two answers, and how many there were
"""
import os
import select
import socket
import struct
import sys
import time


def query(name, number):
    labels = b"".join(bytes([len(l)]) + l.encode() for l in name.split("."))
    return struct.pack(">HHHHHH", number, 0, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"


def pass_sockets(words):
    cut = words.index("--")
    kept = []
    for word in words[:cut]:
        kinds = (socket.SOCK_DGRAM, socket.SOCK_STREAM)
        if word.startswith(("udp:", "tcp:")):
            kinds = kinds[:1] if word.startswith("udp:") else kinds[1:]
            word = word[4:]
        address, port = word.split("@")
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for kind in kinds:
            one = socket.socket(family, kind)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if kind == socket.SOCK_DGRAM:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            one.bind((address, int(port)))
            if kind == socket.SOCK_STREAM:
                one.listen()
            kept.append(one)
    # Out of the way first, so that none is written over.
    high = [os.dup2(one.fileno(), 100 + i) for i, one in enumerate(kept)]
    for i, fd in enumerate(high):
        os.dup2(fd, 3 + i)
        os.close(fd)
    os.environ.update(LISTEN_FDS=str(len(kept)), LISTEN_PID=str(os.getpid()))
    os.execvp(words[cut + 1], words[cut + 1:])


def notify(path, seconds):
    one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    one.bind(path)
    os.chmod(path, 0o666)
    end = time.monotonic() + float(seconds)
    while True:
        one.settimeout(max(end - time.monotonic(), 0.001))
        try:
            print(one.recv(4096).decode(), flush=True)
        except TimeoutError:
            return


def source(words):
    cut = words.index("--")
    port, name = words[cut + 1:]
    for address in words[:cut]:
        one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        one.settimeout(2)
        one.sendto(query(name, 1), (address, int(port)))
        print(one.recvfrom(512)[1][0])


def gap(seconds, port, name):
    pending, asked, worst, count = {}, 0, 0.0, 0
    last = time.monotonic()
    end, due = last + float(seconds), last
    print("begin", flush=True)
    poll = select.epoll()
    while (now := time.monotonic()) < end:
        if now >= due:
            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            one.setblocking(False)
            try:
                one.connect(("127.0.0.1", int(port)))
                one.send(query(name, asked & 0xffff))
                poll.register(one.fileno(), select.EPOLLIN)
                pending[one.fileno()] = (one, now)
            except OSError:
                one.close()
            asked += 1
            due = max(due + 0.001, now)
        for fd, _ in poll.poll(max(due - time.monotonic(), 0)):
            one, _ = pending.pop(fd)
            poll.unregister(fd)
            try:
                one.recv(512)
                now = time.monotonic()
                worst, last, count = max(worst, now - last), now, count + 1
            except OSError:
                pass  # nobody listened there
            one.close()
        # What is lost is forgotten.
        if len(pending) > 400:
            fd = next(iter(pending))
            poll.unregister(fd)
            pending.pop(fd)[0].close()
    print(int(max(worst, time.monotonic() - last) * 1000), count, flush=True)


if __name__ == "__main__":
    action, rest = sys.argv[1], sys.argv[2:]
    if action == "pass":
        pass_sockets(rest)
    elif action == "notify":
        notify(*rest)
    elif action == "source":
        source(rest)
    elif action == "gap":
        gap(*rest)
