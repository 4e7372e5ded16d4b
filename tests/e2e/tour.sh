#!/bin/bash
# README's tour: "make run" as a reader starts it, and each command of the tour, whose answer is what
# README prints below it.
# shellcheck disable=SC2317 # functions called by way of others
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
e2e_begin tour 60 "$@"
need make /repdns /repdns-load /repdnsd /tests/tools/dnsfixture
TOUR='## A tour of five minutes'

# transcript: the tour's commands with their "$ ", and below each what it prints.
transcript() {
    awk -v section="$TOUR" '/^## /{ on = $0 == section } on' "$ROOT_DIR/README.md" | sed -n 's/^    //p'
}

# pattern TEXT: of the shell's, for a text on one line; "..." stands for anything.
pattern() {
    sed 's/[][*?\\]/\\&/g; s/\.\.\./*/g' <<<"$1"
}

# one_line: where README breaks lines, and what dig puts between columns, is of no account.
one_line() {
    tr -s ' \t\n' ' ' | sed 's/^ //; s/ $//'
}

# compare COMMAND WANTED: nothing, for the first.
compare() {
    local command=${1//...\/repdns.conf/$CONF} got wanted
    [ -n "$command" ] || return 0
    got=$(bash -c "${command//build\/release/$BIN}" 2>&1 | one_line)
    wanted=$(one_line <<<"$2")
    # shellcheck disable=SC2053 # a pattern
    if [ -n "$wanted" ] && [[ $got == $(pattern "$wanted") ]]; then pass "README: $1"; else
        fail "README: $1" "prints: $got" "README: $wanted"
    fi
}

served() {
    grep -q 'repdnsd version .* started' "$RUN/make.log"
}

# A make of its own, which takes no jobs from one that runs this test.
start make env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
    make -C "$ROOT_DIR" --no-print-directory run B="${BIN##*/}"
within 30 served || e2e_stop "make run serves the example" "$(cat "$RUN/make.log")"
CONF=$(sed -n 's|^Why? .* -c \([^ ]*\) .*|\1|p' "$RUN/make.log")

command='' wanted=''
while IFS= read -r line; do
    case $line in
    '$ '*)
        compare "$command" "$wanted"
        command=${line#\$ } wanted=
        ;;
    *) wanted="$wanted$line"$'\n' ;;
    esac
done < <(transcript)
compare "$command" "$wanted"
check "the tour has commands" test "$CHECKS" -ge 5

echo "# what make run prints"
mapfile -t printed < <(sed -n 's/^  dig /dig +noall +answer /p' "$RUN/make.log")
check "names to ask" test "${#printed[@]}" -ge 4
for command in "${printed[@]}"; do
    check_has "$command" "$($command)" 'IN[[:space:]]+TXT[[:space:]]+"'
done
why=$(sed -n 's/^Why? //p' "$RUN/make.log")
check_has "$why" "$(cd "$ROOT_DIR" && $why)" '^verdict: ip\.rep\.example'

rc=0
stop make || rc=$?
check_eq "it ends by a signal" "$rc" 143
check "and leaves nothing behind" within 5 test ! -e "${CONF%/*}"
e2e_end
