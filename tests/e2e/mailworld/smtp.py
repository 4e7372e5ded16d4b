#!/usr/bin/env python3
"""One SMTP session: smtp.py SERVER PORT FROM-ADDRESS HELO SENDER RECIPIENT[,...] [data] [login=NAME]

Speaks from the given local address and prints every reply's lines. Ends after the first refusal.
With login=, as if that user had authenticated (XCLIENT of Postfix).
"""
import socket
import sys


def main():
    server, port, source, helo, sender, recipient = sys.argv[1:7]
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(60)
        sock.bind((source, 0))
        sock.connect((server, int(port)))
        replies = sock.makefile("rb")

        def reply():
            while True:
                line = replies.readline().decode("latin-1").rstrip()
                print(line)
                if line[3:4] != "-":
                    return line[:1] in ("2", "3")

        def command(text):
            sock.sendall(text.encode("latin-1") + b"\r\n")
            return reply()

        steps = ["EHLO " + helo, f"MAIL FROM:<{sender}>"]
        steps += [f"RCPT TO:<{one}>" for one in recipient.split(",")]
        for option in sys.argv[7:]:
            if option.startswith("login="):
                steps[:0] = ["EHLO " + helo, "XCLIENT " + option.upper()]
        if "data" in sys.argv[7:]:
            steps += ["DATA", f"From: <{sender}>\r\nTo: <{recipient}>\r\nSubject: e2e\r\n\r\nHi\r\n."]
        if reply() and all(command(step) for step in steps):
            command("QUIT")


main()
