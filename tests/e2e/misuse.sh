#!/bin/bash
# What the shipped zones do to the labelled replay (REPLAY_LOG, or ../shared/data/mtalogs) when they
# are used unfiltered in each of Postfix' restrictions, the wrong ones too: prints the matrix, of ham
# and of spam clients. Zones that are enabled as shipped may reject at most 0.5 % of ham clients;
# the others answer nothing.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
LOG=${REPLAY_LOG:-$ROOT_DIR/../shared/data/mtalogs/postfix-replay.log.gz}
ROWS=${REPLAY_ROWS:-$ROOT_DIR/../shared/data/mail/rows.tsv}
if [ ! -f "$LOG" ] || [ ! -f "$ROWS" ]; then
    echo "e2e misuse: skipped: $LOG or $ROWS is absent"
    exit 77
fi
export REPLAY_LOG=$LOG REPLAY_ROWS=$ROWS
e2e_begin misuse 280 "$@"
need /repdnsd /repdns-load /tests/tools/dnsfixture

python3 "$E2E_DIR/misuse.py" world "$LOG" "$ROWS" "$RUN" || e2e_stop "the world is made"
state_folder "$RUN/state"
# As shipped but for the first days, which are three here.
cat >"$RUN/repdns.conf" <<EOF_CONF
base = "rep.example"
state_dir = "$RUN/state"
listen = {"127.0.0.1@$SERVER_PORT"}
user = "repdns"
group = "repdns"
own_networks = {"127.0.0.0/8"}
resolver = "127.0.0.1@$FIXTURE_PORT"
log { path = "$RUN/mail-*.log" }
policy { learn_days = 3 }
EOF_CONF
sed 's/^log /zone "hint" { enabled = yes }\nzone "spf" { enabled = yes }\nzone "score" { enabled = yes }\nzone "wl" { enabled = yes }\n&/' \
    "$RUN/repdns.conf" >"$RUN/informs.conf"
start_fixture "$RUN/world.zone"
rc=0
load "$RUN/repdns.conf" --as-of 2026-11-24T12:00:00 --force run >"$RUN/load.log" 2>&1 || rc=$?
check_eq "the replay of three days is judged" "$rc" 0
tail -1 "$RUN/load.log"

start_server "$RUN/repdns.conf"
rc=0
python3 "$E2E_DIR/misuse.py" matrix "$RUN" "$SERVER_PORT" shipped >"$RUN/matrix" || rc=$?
cat "$RUN/matrix"
check_eq "as shipped: no more than 0.5 % of ham clients, and informational zones say nothing" "$rc" 0
stop repdnsd || true
start_server "$RUN/informs.conf"
echo "# informational zones, enabled and misused: what the default keeps from happening"
python3 "$E2E_DIR/misuse.py" matrix "$RUN" "$SERVER_PORT" informs || true
e2e_end
