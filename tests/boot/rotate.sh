# shellcheck shell=bash
# logrotate as its own service runs it, with the fences of that.
logs() { # FILE: something is in it
    serves "$NAME" 127.0.0.2
    [ -s "/var/log/repdns/$1" ]
}
check "queries are logged" within 5 logs query.log
drop_in logrotate.service <<<'[Service]
ExecStart=
ExecStart=/usr/sbin/logrotate -f /etc/logrotate.d/repdnsd'
check "logrotate" systemctl start logrotate
undo logrotate.service
check "the old log is kept" [ -s /var/log/repdns/query.log.1 ]
check "queries are logged in the new one" within 5 logs query.log
check_eq "its permissions" "$(stat -c '%a %U:%G' /var/log/repdns/query.log)" "640 repdns:adm"
