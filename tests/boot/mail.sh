# shellcheck shell=bash
# Postfix, whose log is the journal, asks the policy service by its socket; what it logs is read.
restrictions="reject_unauth_destination, check_policy_service inet:127.0.0.1:10040"
postconf -e inet_protocols=ipv4 inet_interfaces=127.0.0.1 mydestination=test.example \
    mynetworks=127.0.0.0/8 \
    "smtpd_recipient_restrictions=$restrictions, check_client_access static:{INFO repdns}" \
    smtpd_policy_service_default_action=DUNNO local_transport=discard:
systemctl restart postfix
check "Postfix listens" within 10 python3 -c 'import socket; socket.create_connection(("127.0.0.1", 25), 1)'
sends() { # CLIENT HELO SENDER
    python3 "$TESTS/e2e/mailworld/smtp.py" 127.0.0.1 25 "$1" "$2" "$3" root@test.example data 2>&1 || true
}
check_has "mail flows without the policy service" \
    "$(sends 198.51.100.10 mail.good.example anna@good.example)" '^250 2.0.0 Ok: queued'
check "the policy service's socket" systemctl enable -q --now repdns-policy.socket
check_eq "the service is not running" "$(property repdns-policy ActiveState)" inactive
check_has "a listed client is rejected, with the reason" \
    "$(sends 203.0.113.9 mail.bad.example x@good.example)" '^5.. 5.7.1 .*203.0.113.9'
check_eq "the first request has started it" "$(property repdns-policy ActiveState)" active
check_has "another one is not" "$(sends 198.51.100.10 mail.good.example anna@good.example)" \
    '^250 2.0.0 Ok: queued'
pid=$(property repdns-policy MainPID)
[ "$pid" != 0 ] || e2e_stop "the policy service runs" "$(why repdns-policy)"
check_eq "its user, no capability, seccomp" "$(rights "$pid")" \
    "Uid: $(id -u repdns) CapEff: 0000000000000000 CapBnd: 0000000000000000 CapAmb: 0000000000000000 \
NoNewPrivs: 1 Seccomp: 2 "
check_eq "its open files as the unit says" "$(open_files "$pid")" "$(most 4096)"
systemctl kill -s KILL repdns-policy
check_has "after SIGKILL it answers again" \
    "$(sends 203.0.113.9 mail.bad.example x@good.example)" '^5.. 5.7.1 .*203.0.113.9'
check "restart" systemctl restart repdns-policy
check_has "after a restart too" \
    "$(sends 203.0.113.9 mail.bad.example x@good.example)" '^5.. 5.7.1 .*203.0.113.9'

# As the manual says; the user repdns reads the journal as a member of adm.
observe() {
    journalctl --sync
    runuser -u repdns -- sh -c 'journalctl -q -o export --cursor-file=/var/lib/repdns/cursor |
        repdns-load observe -' 2>&1
}
check_has "the journal: mails are observed" "$(observe)" '[0-9]+ lines, [1-9][0-9]* observed'
check_has "their HELO is known" "$(repdns explain 198.51.100.10 2>&1)" 'mail.good.example'
sends 198.51.100.10 mail.good.example anna@good.example >/dev/null
check_has "from where it was read to" "$(observe)" '[0-9]+ lines, 1 observed'
