#!/bin/bash
# Evidence by hand: a log and the journal's export from a pipe, and reports of mails, as commands.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin sources 60 "$@"
need /repdns-load /repdns

CONF=$RUN/repdns.conf STATE=$RUN/state
# call WORD...: the loader with the configuration, as its user; sets RC and TEXT.
call() {
    RC=0
    TEXT=$(timeout 30 setpriv --reuid repdns --regid repdns --clear-groups \
        "$BIN/repdns-load" "$@" 2>&1) || RC=$?
}
fresh() {
    rm -rf "$STATE"
    state_folder "$STATE"
    write_conf "$CONF" "$STATE"
}
status_has() { # WHAT REGEX
    call -c "$CONF" status
    check_has "$1" "$TEXT" "$2"
}

log() { # "program text" for each line
    echo "postfix/smtpd[7] 4XyZ12Abc: client=a.example[203.0.113.7]"
    echo "rspamd[9] <x>; proxy; rspamd_task_write_log: id: <m@b.example>, qid: <4XyZ12Abc>," \
        "ip: 203.0.113.7, from: <s@b.example>, (default: T (add header): [9.10/15.00] [])"
    echo "postfix/qmgr[8] 4XyZ12Abc: from=<s@b.example>, size=1, nrcpt=1 (queue active)"
}
AT_S=$(date -u -d "${AS_OF}Z" +%s)
AT=$(LC_ALL=C date -u -d "@$AT_S" '+%b %e %H:%M:%S')

fresh
log | sed "s/^\([^ ]*\) /$AT mx \1: /" >"$RUN/mail.log"
call -c "$CONF" --as-of "$AS_OF" observe - <"$RUN/mail.log"
check_eq "a log on standard input: exit code" "$RC" 0
check_has "a log on standard input: read" "$TEXT" "3 lines, 1 observed"
fresh
log | while read -r program text; do
    pid=${program#*[}
    printf '__CURSOR=x\n__REALTIME_TIMESTAMP=%s000000\n_HOSTNAME=mx\n' "$AT_S"
    printf 'SYSLOG_IDENTIFIER=%s\n_PID=%s\nMESSAGE=%s\n\n' "${program%%[*}" "${pid%]}" "$text"
done >"$RUN/export"
call -c "$CONF" --as-of "$AS_OF" observe - <"$RUN/export"
check_has "the journal's export: read" "$TEXT" "3 lines, 1 observed"
status_has "it is in the history" "1 clients"
fresh
start run setpriv --reuid repdns --regid repdns --clear-groups flock --no-fork "$STATE/lock" sleep 2
within 5 test -e "$STATE/lock"
call -c "$CONF" --as-of "$AS_OF" observe - <"$RUN/export"
check_has "what a pipe gives waits for a run that is active" "$TEXT" "3 lines, 1 observed"
call -c "$CONF" --as-of "$AS_OF" judge - </dev/null
check_eq "only observe takes a -" "$RC" 2

fresh
echo 'traps = {"trap@test.example"}' >>"$CONF"
echo "$AT mx postfix/smtpd[7]: NOQUEUE: reject: RCPT from a.example[203.0.113.7]: 550 no;" \
    "from=<s@b.example> to=<trap@test.example> proto=ESMTP helo=<h.example>" >"$RUN/trap.log"
call -c "$CONF" --as-of "$AS_OF" observe - <"$RUN/trap.log"
check_has "mail to a trap: read" "$TEXT" "1 lines"
echo "$(date -u -d "@$((AT_S + 7200))" '+%b %e %H:%M:%S') mx postfix/smtpd[7]: connect from unknown[127.0.0.1]" |
    call -c "$CONF" --as-of "$AS_OF" observe -
TEXT=$("$BIN/repdns" -c "$CONF" explain 203.0.113.7 2>&1) || true
check_has "mail to a trap: it is listed" "$TEXT" "verdict: .*trap"
echo 'traps = {"test.example"}' >>"$CONF"
call -c "$CONF" status
check_eq "a trap that is no address: exit code" "$RC" 2
check_has "a trap that is no address: the message" "$TEXT" "write user@domain or @domain"

mail() { # ADDRESS ID
    printf 'Received: from h (h [%s])\n\tby mx (Postfix) with ESMTP id %s;\n %s\nSubject: x\n\nx\n' \
        "$1" "$2" "$(LC_ALL=C date -u -R -d "@$AT_S")"
}
fresh
report() { # WORD...
    call report -c "$CONF" --as-of "$AS_OF" "$@"
}
mail 203.0.113.7 1 >"$RUN/mail"
report --reporter u spam <"$RUN/mail"
check_eq "spam is reported: exit code" "$RC" 0
check_has "spam is reported" "$TEXT" "1 counted"
report spam <"$RUN/mail"
check_has "the same mail again" "$TEXT" "0 counted, 1 known"
report ham <"$RUN/mail"
check_has "ham wins" "$TEXT" "1 counted"
report -q trap < <(mail 203.0.113.8 2)
check_eq "nothing is printed with -q" "$RC$TEXT" 0
for i in $(seq 25); do mail 203.0.113.9 "9$i" >"$RUN/mail" && report --reporter v spam <"$RUN/mail"; done
check_has "a reporter's bound of a day" "$TEXT" "1 over the reporter's bound"
check_eq "a bound that is reached is no failure" "$RC" 0
status_has "reports are counted" "reports-over-bound +5"
report </dev/null
check_eq "without a word: exit code" "$RC" 2
report spam </dev/null
check_eq "without a mail: exit code" "$RC" 1
check_has "without a mail: the message" "$TEXT" "standard input: no mail; give one with <"
e2e_end
