# Sessions to lines as Postfix logs them, HELO by way of an INFO line (check_client_access
# static:{INFO ...}). Input, tab-separated: stamp, client address, its name or "unknown", HELO,
# envelope sender or empty, and "reject" for a session that was refused.
BEGIN {
    FS = "\t"
}
/^#/ || NF < 5 {
    next
}
{
    n++
    head = $1 " mx postfix/"
    who = $3 "[" $2 "]"
    about = "from=<" $5 "> to=<user@test.example> proto=ESMTP helo=<" $4 ">"
    id = sprintf("4B%08X", 700000 + n)
    print head "smtpd[4001]: connect from " who
    if ($6 == "reject") {
        print head "smtpd[4001]: NOQUEUE: reject: RCPT from " who \
            ": 554 5.7.1 Service unavailable; Client host [" $2 "] blocked using bl.test; " about
        print head "smtpd[4001]: disconnect from " who " ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4"
        next
    }
    print head "smtpd[4001]: NOQUEUE: info: RCPT from " who ": <" who ">: Client host repdns; " about
    print head "smtpd[4001]: " id ": client=" who
    print head "cleanup[4002]: " id ": message-id=<" n "@mx.test.example>"
    print head "qmgr[4003]: " id ": from=<" $5 ">, size=1200, nrcpt=1 (queue active)"
    print head "smtpd[4001]: disconnect from " who \
        " ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"
    print head "local[4004]: " id ": to=<user@test.example>, relay=local, delay=0.1, " \
        "delays=0.1/0/0/0, dsn=2.0.0, status=sent (delivered to mailbox)"
    print head "qmgr[4003]: " id ": removed"
}
