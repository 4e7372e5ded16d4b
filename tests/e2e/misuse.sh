#!/bin/bash
# What the shipped zones do to the labelled replay (REPLAY_LOG, or ../shared/data/mtalogs) when they
# are used unfiltered in each of Postfix' restrictions, the wrong ones too: prints the matrix, of ham
# and of spam clients. Zones that are enabled as shipped may reject at most 0.5 % of ham clients;
# the others answer nothing. Then the same of worlds that the weights do not know.
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
stop repdnsd || true
stop fixture || true

# unseen SEED HALF: half of the world, judged by weights that are learnt from mail of the other half.
unseen() {
    local dir=$RUN/$1-$2 rc=0
    mkdir -p "$dir"
    state_folder "$dir/state"
    python3 "$E2E_DIR/misuse.py" world "$LOG" "$ROWS" "$dir" "$1" "$2" || e2e_stop "half a world is made"
    "$BIN/repdns-load" learn --features |
        awk -F '\t' '{ print $1, $2 == "learnt" ? 0 : $3 }' >"$dir/zero"
    "$BIN/repdns-load" learn --weights "$dir/zero" -o "$dir/weights" "$dir/learn" ||
        e2e_stop "weights are learnt from the other half"
    sed -e "s|$RUN/state|$dir/state|; s|$RUN/mail-|$dir/mail-|" \
        -e "s|^policy { |&weights = \"$dir/weights\" |" "$RUN/repdns.conf" >"$dir/repdns.conf"
    start_fixture "$dir/world.zone"
    load "$dir/repdns.conf" --as-of 2026-11-24T12:00:00 --force run >"$dir/load.log" 2>&1 ||
        e2e_stop "half a world is judged" "$(tail -1 "$dir/load.log")"
    start_server "$dir/repdns.conf"
    echo "# seed $1, half $2, by weights learnt from the other half"
    python3 "$E2E_DIR/misuse.py" matrix "$dir" "$SERVER_PORT" unseen || rc=$?
    check_eq "unseen half $1-$2: no more than 0.5 % of ham clients" "$rc" 0
    stop repdnsd || true
    stop fixture || true
}
for seed in a b; do
    unseen "$seed" 0
    unseen "$seed" 1
done
e2e_end
