#!/bin/bash
# Loads that go wrong: whatever becomes of a list's file, repdnsd goes on answering from what it
# had, the message says what happened and where, and the next good file is taken.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin loadfail 240 "$@"
need /repdnsd /repdns-load gzip zstd truncate mkfifo

CONF=$RUN/repdns.conf STATE=$RUN/state FILE=$RUN/drop
KILLS=${KILLS:-12}
MEMORY_KB=120000 # at most, for a line of 2 GB
state_folder "$STATE"
write_conf "$CONF" "$STATE"
cat >>"$CONF" <<EOF_LISTS
list "drop" { type = ip4set  max_change = 100000  files = {"$FILE"} }
zone "drop.test" { kind = list  datasets = {"drop"} }
EOF_LISTS

replace() { # standard input, renamed in
    cat >"$FILE.new"
    rm -rf "$FILE"
    mv "$FILE.new" "$FILE"
}

# run_load: sets RC and TEXT; a run that hangs is killed.
run_load() {
    RC=0
    timeout 60 setpriv --reuid repdns --regid repdns --clear-groups \
        "$BIN/repdns-load" -c "$CONF" --as-of "$AS_OF" --force run >"$RUN/load.log" 2>&1 || RC=$?
    TEXT=$(cat "$RUN/load.log")
}

# The value that an address has now: that of the good file before.
GENERATION=0
served() { # WHAT
    check_eq "$1: the old data is served" "$(ask 7.113.0.203.drop.test A)" "127.0.1.$GENERATION"
}

# good: another good file is taken, so that what came before did no harm.
good() { # WHAT
    GENERATION=$((GENERATION + 1))
    printf ':127.0.1.%d:\n203.0.113.7\n' "$GENERATION" | replace
    run_load
    check_eq "$1: a run with the next good file" "$RC$([ "$RC" = 0 ] || echo " $TEXT")" 0
    check "$1: it is taken" within 2 answers "127.0.1.$GENERATION" 7.113.0.203.drop.test A
}

# fails WHAT REGEX: the run fails, says so, and nothing is lost.
fails() {
    run_load
    check_eq "$1: exit code" "$RC" 1
    check_has "$1: the message" "$TEXT" "$2"
    served "$1"
    good "$1"
}

GENERATION=1
printf ':127.0.1.1:\n203.0.113.7\n' | replace
run_load
[ "$RC" = 0 ] || e2e_stop "something to serve" "$TEXT"
start_server "$CONF"
served "at first"

rm "$FILE"
fails "a missing file" "drop: No such file"
mkdir "$FILE.dir" && rm -f "$FILE" && mv "$FILE.dir" "$FILE"
fails "a folder" "drop: not a file; name a regular file"
rm -f "$FILE" && mkfifo -m 644 "$FILE"
fails "a FIFO that nobody writes to" "drop: not a file; name a regular file"
echo 203.0.113.9 | replace
chmod 600 "$FILE"
fails "a file that may not be read" "drop: Permission denied; make it readable"
seq -f '11.1.%.0f.1' 0 255 >"$RUN/plain"
for i in $(seq 40); do seq -f "11.$i.%.0f.1 :2:text $i" 0 255; done >>"$RUN/plain"
gzip -nc "$RUN/plain" | head -c 12000 | replace
fails "gzip cut short" "drop:[0-9]+: reading failed: the compressed data is cut short"
zstd -qc "$RUN/plain" | head -c 7000 | replace
fails "zstd cut short" "drop:[0-9]+: reading failed: the compressed data is cut short"
{ gzip -nc "$RUN/plain" | head -c 9000; printf 'xxxxxxxxxx'; gzip -nc "$RUN/plain" | tail -c +9011; } | replace
fails "gzip damaged" "drop:[0-9]+: reading failed: the compressed data is damaged"
{ zstd -qc "$RUN/plain" ; echo 1.2.3.4; } | replace
fails "zstd with something behind" "drop:[0-9]+: reading failed: the compressed data is damaged"
printf '203.0.113.9\n$TIMESTAMP 2037:01:01\n' | replace
fails "a stamp in the future" "drop:2: .*future"

# Longer at every look.
python3 -c '
for i in range(3000000): print(f"11.{i >> 16}.{i >> 8 & 255}.{i & 255}")' | replace
python3 -c '
import sys, time
while True:
    open(sys.argv[1], "a").write("203.0.113.9\n")
    time.sleep(0.001)' "$FILE" &
writer=$! size=$(stat -c %s "$FILE")
grew() { [ "$(stat -c %s "$FILE")" -gt "$size" ]; }
check "a file that changes while it is read: it does" within 5 grew
run_load
kill "$writer" && wait "$writer" 2>/dev/null || true
check_eq "a file that changes while it is read: exit code" "$RC" 1
check_has "a file that changes while it is read: the message" "$TEXT" "drop: changed while it was read; write to"
served "a file that changes while it is read"
good "a file that changes while it is read"

# Half a line is half a file: only a list that has nothing else takes what is whole of it.
printf ':127.0.1.60:\n203.0.113.7\n203.0.113.' | replace
fails "half a line at the end" "drop:3: the file ends in the middle of a line .not an address.*write it whole"
gzip -nc < <(printf ':127.0.1.60:\n203.0.113.7\n203.0.113.') | replace
fails "half a line at the end of a whole gzip" "drop:3: the file ends in the middle of a line"
printf ':127.0.1.60:\n203.0.113.7\n203.0.113.' | replace
GENERATION=60
mv "$STATE/lists.mdb" "$RUN/lists.kept"
run_load
check_eq "half a line at the end of the first file: exit code" "$RC" 0
check_has "half a line at the end of the first file: the message" "$TEXT" "drop:3: not an address"
served "half a line at the end of the first file"
{ cat "$CONF"; echo 'strict_rbldnsd = yes'; } >"$CONF.strict"
chmod 644 "$CONF.strict"
printf ':127.0.1.60:\n203.0.113.7\n203.0.113.6\n203.0.113.' | replace
CONF=$CONF.strict run_load
check_eq "half a line at the end as rbldnsd has it: exit code" "$RC" 0
check_eq "half a line at the end as rbldnsd has it is taken" "$(ask 6.113.0.203.drop.test A)" 127.0.1.60
printf ':127.0.1.60:\n203.0.113.7\n203.0.113.8' | replace
run_load
check_has "a last line without its end: the message" "$TEXT" "drop:3: .*no newline"
check_eq "a last line without its end is taken" "$(ask 8.113.0.203.drop.test A)" 127.0.1.60
served "a last line without its end"

# 2 GB without a newline, in a file with holes, and then unpacked from a small one.
measured() { # WHAT
    local from
    from=$(now_ms)
    RC=0
    python3 - "$BIN/repdns-load" -c "$CONF" --as-of "$AS_OF" --force run >"$RUN/load.log" 2>&1 <<'PY' || RC=$?
import resource, subprocess, sys
rc = subprocess.call(["timeout", "60", "setpriv", "--reuid", "repdns", "--regid", "repdns",
                      "--clear-groups"] + sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(rc)
PY
    TEXT=$(cat "$RUN/load.log")
    peak=$(sed -n 's/^peak //p' "$RUN/load.log")
    check_eq "$1: exit code" "$RC" 0
    check_has "$1: the message" "$TEXT" "drop:3: the line is longer than 32 KiB"
    if [ "$peak" -le "$MEMORY_KB" ]; then pass "$1: $peak KB of memory, $(($(now_ms) - from)) ms"; else
        fail "$1: memory" "$peak KB, at most $MEMORY_KB"
    fi
    check_eq "$1: what is before and after it is taken" \
        "$(ask 7.113.0.203.drop.test A) $(ask 9.113.0.203.drop.test A)" \
        "127.0.1.$GENERATION 127.0.1.$GENERATION"
}
GENERATION=61
printf ':127.0.1.61:\n203.0.113.7\n' | replace
truncate -s 2G "$FILE"
printf '\n203.0.113.9\n' >>"$FILE"
measured "a line of 2 GB"
GENERATION=62
{ printf ':127.0.1.62:\n203.0.113.7\n'; head -c 2147483648 /dev/zero; printf '\n203.0.113.9\n'; } | zstd -qc1 | replace
measured "a line of 2 GB in zstd"
good "after a line of 2 GB"

# Killed at moments all over a run. Old or new, never nothing.
python3 -c '
for i in range(300000): print(f"11.{i >> 16}.{i >> 8 & 255}.{i & 255}")' >"$RUN/many"
loader() { # as the shell's own child, so that a kill hits the loader itself
    exec setpriv --reuid repdns --regid repdns --clear-groups \
        "$BIN/repdns-load" -q -c "$CONF" --as-of "$AS_OF" --force run
}
many() { # the next generation, with many addresses
    { printf ':127.0.2.%d:\n203.0.113.7\n' "$1"; cat "$RUN/many"; } | replace
}
many 1
from=$(now_ms)
run_load
took=$(($(now_ms) - from)) last=1 hit=0 wrong=0
for ((i = 2; i < KILLS + 2; i++)); do
    many "$i"
    loader >"$RUN/load.log" 2>&1 &
    pid=$!
    ms=$((took * (i - 2) / KILLS))
    sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
    kill -KILL "$pid" 2>/dev/null || true
    rc=0
    wait "$pid" 2>/dev/null || rc=$?
    # A run that was done before takes less time than was measured.
    if [ "$rc" = 137 ]; then hit=$((hit + 1)); else took=$((took * 8 / 10)); fi
    # What an earlier run committed may have shown only after the question that followed it.
    got=$(ask 7.113.0.203.drop.test A) value=${got#127.0.2.}
    if [[ $value =~ ^[0-9]+$ ]] && [ "$value" -ge "$last" ] && [ "$value" -le "$i" ]; then
        last=$value
    else
        wrong=$((wrong + 1))
        fail "killed after $ms ms of $took" "got $got after 127.0.2.$last"
    fi
done
check_eq "$hit of $KILLS runs were killed at work; answers of no file, or of one before the last" "$wrong" 0
check "at least half of the kills hit" test "$hit" -ge $((KILLS / 2))
good "after the kills"
check "repdnsd lives" alive repdnsd
e2e_end
