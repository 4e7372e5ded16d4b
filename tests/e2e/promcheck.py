#!/usr/bin/python3
"""Reads Prometheus's text format (0.0.4) from standard input and is strict with it: each metric has
one HELP and TYPE before its samples, which stand together; names, labels, escapes and values are
well formed; no sample comes twice; counters end in _total and are whole; histograms are cumulative,
end with +Inf and agree with their count. Prints what is wrong, and at the end how many samples."""
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL},?)*)\}})? ([-+0-9.eE]+|NaN|[-+]Inf)$")
UNITS = ("seconds", "bytes", "queries", "info", "total", "ratio", "entries", "serial", "usable",
         "expired")
bad = []
helps, types, closed, samples = {}, {}, set(), {}
current = None


def base(name):
    for end in ("_bucket", "_sum", "_count"):
        if name.endswith(end) and types.get(name[:-len(end)]) == "histogram":
            return name[:-len(end)]
    return name


text = sys.stdin.read()
if not text.endswith("\n"):
    bad.append("no line end at the end")
for number, line in enumerate(text.splitlines(), 1):
    def complain(what):
        bad.append(f"line {number}: {what}: {line}")

    head = re.match(rf"# (HELP|TYPE) ({NAME}) (.+)$", line)
    if head:
        kind, name, rest = head.groups()
        table = helps if kind == "HELP" else types
        if name in table:
            complain("twice")
        table[name] = rest
        if name != current and current is not None:
            closed.add(current)
        current = name
        if kind == "TYPE" and rest not in ("counter", "gauge", "histogram"):
            complain("no type")
        if kind == "TYPE" and (rest == "counter") != name.endswith("_total"):
            complain("a counter ends in _total, nothing else does")
        if not name.endswith(UNITS):
            complain("no unit")
        continue
    match = SAMPLE.match(line)
    if not match:
        complain("no sample")
        continue
    name, labels, value = match.group(1), match.group(2) or "", match.group(5)
    if base(name) != current or base(name) in closed:
        complain("not below its HELP and TYPE")
    if current not in helps or current not in types:
        complain("no HELP or TYPE")
    pairs = tuple(sorted((k, v) for k, v in re.findall(LABEL, labels)))
    if len(dict(pairs)) != len(pairs):
        complain("a label twice")
    if (name, pairs) in samples:
        complain("twice")
    samples[name, pairs] = float(value)
    if types.get(name) == "counter" and not value.isdigit():
        complain("a counter is whole")
for name, kind in types.items():
    if kind != "histogram":
        continue
    buckets = [(float(dict(p)["le"]), v) for (n, p), v in samples.items() if n == name + "_bucket"]
    if buckets != sorted(buckets) or [v for _, v in buckets] != sorted(v for _, v in buckets):
        bad.append(f"{name}: not cumulative")
    if not buckets or buckets[-1][0] != float("inf"):
        bad.append(f"{name}: no +Inf")
    elif buckets[-1][1] != samples.get((name + "_count", ())) or (name + "_sum", ()) not in samples:
        bad.append(f"{name}: no sum, or another count")
print("\n".join(bad + [f"{len(samples)} samples"]))
sys.exit(1 if bad else 0)
