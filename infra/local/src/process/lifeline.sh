# sh -c THIS reaper [FOLDER] <PIPE
#
# Reads "PID START [SIGNAL]" lines, one a process, from a pipe whose other end only the parent holds: it ends when the
# parent ends, in whatever way. Then every process named is killed with everything below it, and FOLDER is removed.
# START is the kernel's start time of the process, so that a process which got a used number is left alone. A process
# with a SIGNAL gets that first, and two seconds.
trap '' HUP INT QUIT TERM
folder=$1

# Sets state, parent and start of process $1; fails if there is no such process, or only what waits to be reaped.
inspect() {
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
    # The second field, the command's name, may hold anything: the rest begins after the last ") ".
    set -- ${line##*) }
    state=$1 parent=$2
    shift 19
    start=$1
    [ "$state" != Z ] && [ "$state" != X ]
}

# Adds to $family everything below it, and sends each of them signal $1.
extend() {
    grown=$family
    while [ "$grown" != ' ' ]; do
        grown=' '
        for entry in /proc/[0-9]*; do
            pid=${entry#/proc/}
            inspect "$pid" || continue
            case $family in
            *" $pid "*) ;;
            *" $parent "*)
                kill -"$1" "$pid" 2>/dev/null
                family="$family$pid "
                grown="$grown$pid "
                ;;
            esac
        done
    done
}

# Waits until all of $family is gone, at most $1 times 20 ms.
outlast() {
    patience=$1
    for pid in $family; do
        while [ $patience -gt 0 ] && inspect "$pid"; do
            patience=$((patience - 1))
            sleep 0.02
        done
    done
}

named=
while read -r pid expected signal; do
    named="$named $pid:$expected:$signal"
done

# Those that clean up behind themselves: woken, should they be stopped.
family=' '
for entry in $named; do
    pid=${entry%%:*} signal=${entry##*:} expected=${entry#*:}
    [ -n "$signal" ] && inspect "$pid" && [ "$start" = "${expected%:*}" ] || continue
    kill -"$signal" "$pid" 2>/dev/null
    kill -CONT "$pid" 2>/dev/null
    family="$family$pid "
done
extend CONT
outlast 100

# All that is left. Stopped first, so that it starts nothing more.
family=' '
for entry in $named; do
    pid=${entry%%:*} expected=${entry#*:}
    inspect "$pid" && [ "$start" = "${expected%:*}" ] || continue
    kill -STOP "$pid" 2>/dev/null
    family="$family$pid "
done
extend STOP
[ "$family" = ' ' ] || kill -KILL $family 2>/dev/null

# Killed is not yet gone: wait for it, so that ports and locks are free when this script ends.
outlast 200
patience=100
while [ -n "$folder" ] && [ $patience -gt 0 ] && ! rm -rf -- "$folder" 2>/dev/null; do
    patience=$((patience - 1))
    sleep 0.02
done
