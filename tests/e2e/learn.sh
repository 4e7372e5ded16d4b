#!/bin/bash
# A site learns weights from its own mail stores: refused without enough, then written, judged by.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin learn 60 "$@"
need /repdns-load /repdns /tests/tools/dnsfixture

CONF=$RUN/repdns.conf STATE=$RUN/state BOX=$RUN/mail WEIGHTS=$RUN/weights
# call WORD...: the loader; sets RC and TEXT.
call() {
    RC=0
    TEXT=$(timeout 30 "$BIN/repdns-load" "$@" 2>&1) || RC=$?
}
# mails FOLDER COUNT SECOND HELO: each of a client of its own, 8.SECOND.1.9 and up.
mails() {
    mkdir -p "$1/cur" "$1/new" "$1/tmp"
    for i in $(seq "$2"); do
        cat >"$1/cur/$i.$3.mx:2,S" <<EOF_MAIL
Return-Path: <s@shop$i.example>
Received: from $4 (unknown [8.$3.$i.9])
	by mx.test.example (Postfix) with ESMTP id 4XyZ$3x$i
	for <u@test.example>; Tue, 18 Nov 2026 10:00:00 +0000 (UTC)
Message-ID: <$3.$i@shop.example>

text
EOF_MAIL
    done
}

state_folder "$STATE"
write_conf "$CONF" "$STATE"
printf 'mailstore { path = "%s" }\n' "$BOX" >>"$CONF"
echo "a.root-servers.net A 198.41.0.4" >"$RUN/zone"
start_fixture "$RUN/zone"

mails "$BOX" 120 1 '[192.168.0.9]'
mails "$BOX/.Junk" 60 2 pc1
call -c "$CONF" --as-of "$AS_OF" import
check_eq "mail stores are imported" "$RC" 0
call learn --history -c "$CONF" --as-of "$AS_OF" -o "$WEIGHTS"
check_eq "too few: exit code" "$RC" 1
check_has "too few: how many there are and must be" "$TEXT" \
    "120 addresses of which mail was kept and 60 of which it was reported, and learning takes 100 and 100"
check_eq "too few: no file" "$(ls "$WEIGHTS"* 2>/dev/null || true)" ""

mails "$BOX/.Junk" 120 2 pc1
call -c "$CONF" --as-of "$AS_OF" import
echo "keep me" >"$WEIGHTS"
call learn --history -c "$CONF" --as-of "$AS_OF" -o "$RUN/nowhere/weights"
check_eq "a folder that is not there: exit code" "$RC" 1
call learn --history -c "$CONF" --as-of "$AS_OF" -o "$WEIGHTS"
check_eq "enough: exit code" "$RC" 0
check_has "enough: what it was learnt from" "$(cat "$WEIGHTS")" "from 120 addresses of which mail was kept"
check_has "enough: no honest address is listed" "$(tr '\n#' '  ' <"$WEIGHTS")" "without them 0 and"
weight() { awk -v name="$1" '$1 == name { print $2 }' "$2"; }
"$BIN/repdns-load" learn --features | tr '\t' ' ' | awk '{ print $1, $3 }' >"$RUN/shipped"
# heavier FILE THAN: of two files of weights, which has the heavier single label.
heavier() {
    awk -v a="$(weight helo-single "$1")" -v b="$(weight helo-single "$2")" \
        'BEGIN { print (a > b ? "yes" : "no") }'
}
check_eq "a single label is worse here than as shipped" "$(heavier "$WEIGHTS" "$RUN/shipped")" yes
check_eq "what is set stays" "$(weight report-spam "$WEIGHTS")" "$(weight report-spam "$RUN/shipped")"
cp "$WEIGHTS" "$RUN/first"
call learn --history -c "$CONF" --as-of "$AS_OF" --penalty 1000 -o "$WEIGHTS"
check_eq "pulled harder, it is nearer to the shipped one" "$(heavier "$RUN/first" "$WEIGHTS")" yes

sed -i "s|^policy {|&\n    weights = \"$RUN/first\"|" "$CONF"
call -c "$CONF" --as-of "$AS_OF" --force run
check_eq "the loader judges by them: exit code" "$RC" 0
check_has "explain has the weight that was learnt" \
    "$("$BIN/repdns" -c "$CONF" --as-of "$AS_OF" explain 8.2.7.9 2>&1)" \
    "helo-single -$(awk -v w="$(weight helo-single "$RUN/first")" 'BEGIN { printf "%.0f", 10 * w }')"
for wrong in "--history -c $CONF extra" "--history --score -c $CONF" "--score -o x $RUN/zone" \
    "--history --penalty 0 -c $CONF" "--history --penalty inf -c $CONF" \
    "--history --as-of never -c $CONF"; do
    # shellcheck disable=SC2086
    call learn $wrong
    check_eq "learn $wrong: usage" "$RC" 2
done
e2e_end
