# shellcheck shell=bash
# The timer runs the loader, which publishes; a run that finds another one active is no failure.
drop_in repdns-load.timer <<<'[Timer]
OnBootSec=
OnCalendar=
OnCalendar=*:*:0/2
RandomizedDelaySec=0
AccuracySec=100ms'
echo "203.0.113.77 :127.0.0.2:by the timer" >>/etc/repdns/block
before=$(now)
systemctl restart repdns-load.timer
check "the timer fires, and what is new is served" within 10 serves 77.113.0.203.ip 127.0.0.2
check "the run has ended well" within 10 has repdns-load Result success
check_has "the journal says what it did" "$(said repdns-load "$before")" 'publish'
undo repdns-load.timer
systemctl restart repdns-load.timer
within 10 has repdns-load ActiveState inactive

before=$(now)
start lock flock --no-fork /var/lib/repdns/lock sleep 60
check "a run while another one is active" systemctl start repdns-load
check_has "the journal says so" "$(said repdns-load "$before")" 'another run is active'
stop lock || true
