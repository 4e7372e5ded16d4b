#!/usr/bin/env python3
"""The history of this version as the one before wrote it: mdb_dump -n to what mdb_load -n reads.

Format 2 had no records of sender domains, no number of them, and no sums of SPF results; the
migration has to make them up. Names that gave way were forgotten.
"""
import sys

FORMAT, OLD_FORMAT = b"repdns history 4", b"repdns history 2"
DOMAIN = b"e"
# How long a value was at most, by its key or the first byte of that: what is new follows.
USE = 2 * 8 + 4 + 8 + 2
OLD_SIZES = {b"Mtotals": 5 * 8 + 4 + 8, b"h": USE, b"p": USE}
# Where a HELO name or pair has its flags, and those that there were.
FLAGS, OLD_FLAGS = USE - 2, 3


def old_value(key, value):
    if key == b"Mformat":
        if value != FORMAT:
            sys.exit(f"oldhistory: format {value!r}, not {FORMAT!r}: teach me that one")
        return OLD_FORMAT
    if key[:1] in (b"h", b"p"):
        value = value[:FLAGS] + bytes([value[FLAGS] & OLD_FLAGS]) + value[FLAGS + 1:]
    return value[:OLD_SIZES.get(key, OLD_SIZES.get(key[:1], len(value)))]


def main():
    key = None
    for line in sys.stdin:
        line = line.rstrip("\n")
        if not line.startswith(" "):
            print(line)
        elif key is None:
            key = bytes.fromhex(line[1:])
        else:
            if key[:1] != DOMAIN:
                print(f" {key.hex()}\n {old_value(key, bytes.fromhex(line[1:])).hex()}")
            key = None


main()
