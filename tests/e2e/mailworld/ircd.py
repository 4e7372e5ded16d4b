#!/usr/bin/env python3
"""The least of an IRC server that HOPM joins: ircd.py PORT ADDRESS...

Tells HOPM of a client from each address, one by one, and prints what HOPM says.
"""
import socket
import sys

with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    peer, _ = server.accept()
    with peer:
        for line in peer.makefile(encoding="latin-1"):
            print(line.rstrip(), flush=True)
            if line.startswith("USER"):
                peer.sendall(b":irc.test 001 hopm :Welcome\r\n")
            if line.startswith("OPER"):
                peer.sendall(b":irc.test 381 hopm :You have entered... \r\n")
                for address in sys.argv[2:]:
                    notice = f"Client connecting: nick (user@{address}) [{address}] {{users}} [name]"
                    peer.sendall(f":irc.test NOTICE hopm :*** Notice -- {notice}\r\n".encode())
