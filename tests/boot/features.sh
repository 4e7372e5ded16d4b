# shellcheck shell=bash
# All that the server reads and writes, within the fences of its unit and of AppArmor.
echo "acme 7f3kq2m9w8xz4 on 0 100000 a test" >/etc/repdns/keys
echo 000102030405060708090a0b0c0d0e0f >/etc/repdns/cookies
chown root:repdns /etc/repdns/{keys,cookies}
chmod 640 /etc/repdns/{keys,cookies}
cat >>"$CONF" <<'EOF_CONF'
keys { file = "/etc/repdns/keys" }
cookies { secrets = "/etc/repdns/cookies" }
list "asked" { type = ip4set  files = {"/etc/repdns/block"} }
zone "keyed" { kind = address  datasets = {"asked"}  keyed = yes }
query_log { path = "/var/log/repdns/query.log" }
statistics { path = "/var/log/repdns/stats"  format = prometheus  every = 1s }
metrics { path = "/run/repdns/metrics" }
dnstap { path = "/var/log/repdns/dnstap" }
EOF_CONF
runuser -u repdns -- repdns-load -q run
before=$(now)
check "restart with all that it can do" systemctl restart repdnsd
check "it answers" within 5 ready_again
check "a keyed zone" within 5 serves 9.113.0.203.7f3kq2m9w8xz4.keyed 127.0.0.2
wrote() { [ -s "$1" ] || { serves 9.113.0.203.7f3kq2m9w8xz4.keyed 127.0.0.2 && false; }; }
for file in /var/lib/repdns/quotas /var/log/repdns/{query.log,stats,dnstap}; do
    check "it writes $file" within 10 wrote "$file"
done
check_has "metrics" "$(curl -sS --unix-socket /run/repdns/metrics http://localhost/metrics 2>&1)" '^repdns'
check "reload" systemctl reload repdnsd
check "it answers" within 5 ready_again
check_hasnt "the journal has no complaint" "$(said repdnsd "$before")" 'denied|Permission|warning|ermitted'
