#!/usr/bin/env python3
"""The history of this version as the one before wrote it: mdb_dump -n to what mdb_load -n reads.

Format 1 had no weights and no numbers of names; the migration has to make them up.
"""
import sys

FORMAT, OLD_FORMAT = b"repdns history 2", b"repdns history 1"
TIMES, NUMBER, WEIGHT = 16, 4, 8
# By the first byte of the key, the bytes of a value that format 1 did not have: from, how many.
NEW = {
    b"c": (TIMES + 6 * NUMBER, 2 * NUMBER + 4 * WEIGHT),
    b"h": (TIMES + NUMBER, WEIGHT),
    b"p": (TIMES + NUMBER, WEIGHT),
}
TOTALS_OLD = 44


def old_value(key, value):
    if key == b"Mformat":
        if value != FORMAT:
            sys.exit(f"oldhistory: format {value!r}, not {FORMAT!r}: teach me that one")
        return OLD_FORMAT
    if key == b"Mtotals":
        return value[:TOTALS_OLD]
    at, count = NEW.get(key[:1], (0, 0))
    return value[:at] + value[at + count:]


def main():
    key = None
    for line in sys.stdin:
        line = line.rstrip("\n")
        if not line.startswith(" "):
            print(line)
        elif key is None:
            key = bytes.fromhex(line[1:])
            print(line)
        else:
            print(" " + old_value(key, bytes.fromhex(line[1:])).hex())
            key = None


main()
