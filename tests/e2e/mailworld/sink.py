#!/usr/bin/env python3
"""A mail server that accepts everything: sink.py ADDRESS PORT FOLDER

Each message becomes a file in the folder, one by one: 1, 2, ...
"""
import os
import socketserver
import sys

ADDRESS, PORT, FOLDER = sys.argv[1:4]


class Session(socketserver.StreamRequestHandler):
    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def data(self):
        self.say("354 go on")
        text = b""
        for line in iter(self.rfile.readline, b""):
            if line == b".\r\n":
                break
            text += line
        name = os.path.join(FOLDER, str(len(os.listdir(FOLDER)) + 1))
        with open(name + ".new", "wb") as out:
            out.write(text)
        os.rename(name + ".new", name)
        self.say("250 2.0.0 taken")

    def handle(self):
        self.say("220 sink ESMTP")
        for line in iter(self.rfile.readline, b""):
            verb = line[:4].upper()
            if verb == b"DATA":
                self.data()
            elif verb == b"QUIT":
                self.say("221 2.0.0 bye")
                return
            else:
                self.say("250 2.0.0 fine")


socketserver.TCPServer.allow_reuse_address = True
socketserver.TCPServer((ADDRESS, int(PORT)), Session).serve_forever()
