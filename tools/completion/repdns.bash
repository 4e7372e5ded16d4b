# shellcheck shell=bash
# Completion for bash of repdns, repdns-load, repdnsd and repdns-rbldnsd. Source it, or install it in
# /usr/share/bash-completion/completions under each of these names.

# The options of a program and of its sub-commands; "=": a value follows.
declare -gA _repdns_options=(
    ['repdns']='-c= --as-of= -s= --beat --as= --last= --zone= --once --json -V -h --help'
    ['repdns explain']='-c= --as-of= --json -h --help'
    ['repdns query']='-c= -s= --json -h --help'
    ['repdns dump']='-c= --beat --as= --json -h --help'
    ['repdns check']='-c= --json -h --help'
    ['repdns status']='-c= --as-of= --json -h --help'
    ['repdns stats']='-c= --once --json -h --help'
    ['repdns whatif']='-c= --as-of= --last= --zone= --json -h --help'
    ['repdns doctor']='-c= --as-of= --json -h --help'
    ['repdns snippet']='-c= -h --help'
    ['repdns init']='-c= --domain= --base= --listen= --log= --contact= --own= --relays= --host= --url=
        --page= --state= --force -h --help'
    ['repdns policy']='-c= -h --help'
    ['repdns-load']='-c= --as-of= --force --dry-run --wait= --for= --value= --note= --keep-word --json -q
        -V -h --help'
    ['repdns-load run']='-c= --as-of= --force --json -q -h --help'
    ['repdns-load observe']='-c= --as-of= --json -q -h --help'
    ['repdns-load import']='-c= --as-of= --force --json -q -h --help'
    ['repdns-load resolve']='-c= --as-of= --json -q -h --help'
    ['repdns-load judge']='-c= --as-of= --force --dry-run --json -q -h --help'
    ['repdns-load publish']='-c= --as-of= --force --json -q -h --help'
    ['repdns-load status']='-c= --as-of= --json -h --help'
    ['repdns-load list']='-c= --as-of= --force --wait= --for= --value= --note= --json -q -h --help'
    ['repdns-load backup']='-c= --json -h --help'
    ['repdns-load restore']='-c= --wait= --json -h --help'
    ['repdns-load allow']='-c= --as-of= --force --wait= --for= --note= --json -q -h --help'
    ['repdns-load unlist']='-c= --as-of= --force --wait= --for= --note= --json -q -h --help'
    ['repdns-load block']='-c= --as-of= --force --wait= --for= --note= --json -q -h --help'
    ['repdns-load word']='-c= --as-of= --wait= --note= --json -q -h --help'
    ['repdns-load forget']='-c= --as-of= --wait= --keep-word --json -q -h --help'
    ['repdns-load classify']='--json --stats -h --help'
    ['repdns-load spf']='-c= --resolver= --lookups= --voids= --via= --stats --ip= --helo= --from=
        --batch= --verify --json -h --help'
    ['repdns-load report']='-c= --as-of= --reporter= --json -q -h --help'
    ['repdns-load watch']='-c= --every= --force --ready= --user= --chroot= --log= --temporary
        --withdraw -h --help'
    ['repdns-load learn']='--history -c= --as-of= -o= --weights= --penalty= --score --features --json
        -h --help'
    ['repdnsd']='-c= -n -v -V -h --help --log= --chroot= --ready= --companion='
    ['repdns-rbldnsd']='-u= -r= -w= -b= -4 -6 -t= -v -e -c= -p= -n -q -l= -s= -a -A -F= -d -f -C
        --store= --strict-rbldnsd -h --help'
)
# The words that may follow a program and its sub-commands.
declare -gA _repdns_words=(
    ['repdns']='explain whatif query dump check status stats policy doctor snippet init'
    ['repdns dump']='answers history lists'
    ['repdns-load']='run observe import resolve judge publish status list backup restore allow unlist
        block word forget spf classify watch learn report'
    ['repdns-load word']='log undo'
    ['repdns-load report']='spam ham trap'
    ['repdns-load list']='add del undo show'
)
# The values of options that have few.
declare -gA _repdns_values=(
    ['--as']='rbldnsd bind json'
    ['--via']='pair'
    ['--log']='stdout daemon mail local0 local1 local2 local3 local4 local5 local6 local7'
    ['-F']='daemon mail local0 local1 local2 local3 local4 local5 local6 local7'
)

# The lists that the configuration names.
_repdns_lists() { # FILE
    sed -n 's/^[[:space:]]*list[[:space:]]*"\{0,1\}\([a-z0-9_.-]*\).*/\1/p' "$1" 2>/dev/null
}

_repdns_value() { # PROGRAM OPTION WORD
    if [ -n "${_repdns_values[$2]:-}" ]; then
        mapfile -t COMPREPLY < <(compgen -W "${_repdns_values[$2]}" -- "$3")
        return
    fi
    case "$1 $2" in
    'repdns-rbldnsd -c' | *' -t' | *' -b') ;;
    *' -r' | *' -w' | *' --chroot' | *' --store' | *' --state') mapfile -t COMPREPLY < <(compgen -d -- "$3") ;;
    *' -u' | *' --user') mapfile -t COMPREPLY < <(compgen -u -- "$3") ;;
    *' -c' | *' -o' | *' -p' | *' -l' | *' --batch' | *' --weights' | *' --page') mapfile -t COMPREPLY < <(compgen -f -- "$3") ;;
    'repdns-rbldnsd -s') mapfile -t COMPREPLY < <(compgen -f -- "$3") ;;
    esac
}

_repdns() {
    local program=${COMP_WORDS[0]##*/} word=${COMP_WORDS[COMP_CWORD]} config=/etc/repdns/repdns.conf
    local as='' command='' after=() option='' i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        local this=${COMP_WORDS[i]}
        if [ -n "$option" ]; then
            [ "$option" != -c ] || config=$this
            [ "$option" != --as ] || as=$this
            option=
        elif [[ $this == -?* ]]; then
            [[ " ${_repdns_options[${command:-$program}]} " != *[[:space:]]"$this="[[:space:]]* ]] ||
                option=$this
        elif [ -z "$command" ] && [ -n "${_repdns_options[$program $this]:-}" ]; then
            command="$program $this"
        else
            after+=("$this")
        fi
    done
    local at=${command:-$program}
    if [ -n "$option" ]; then
        _repdns_value "$program" "$option" "$word"
    elif [[ $word == -* ]]; then
        local options=${_repdns_options[$at]}
        mapfile -t COMPREPLY < <(compgen -W "${options//=/}" -- "$word")
    elif [ "$at ${#after[@]}" = 'repdns-load list 1' ] || [ "$at/$as" != "$at/" ]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_repdns_lists "$config")" -- "$word")
    elif [ "${#after[@]}" = 0 ] && [ -n "${_repdns_words[$at]:-}" ]; then
        mapfile -t COMPREPLY < <(compgen -W "${_repdns_words[$at]}" -- "$word")
    elif [ "$at" = 'repdns-load backup' ] || [ "$at" = 'repdns-load restore' ]; then
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
    elif [ "$at" = 'repdns-load learn' ]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}

complete -o filenames -F _repdns repdns repdns-load repdnsd repdns-rbldnsd
