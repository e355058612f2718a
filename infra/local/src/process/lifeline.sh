# sh -c THIS reaper [FOLDER] <PIPE
#
# Reads "PID START" lines, one a process, from a pipe whose other end only the parent holds: it ends when the parent
# ends, in whatever way. Then every process named is killed with everything below it, and FOLDER is removed. START is
# the kernel's start time of the process, so that a process which got a used number is left alone.
trap '' HUP INT QUIT TERM
folder=$1

# Sets state, parent and start of process $1; fails if there is no such process.
inspect() {
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
    # The second field, the command's name, may hold anything: the rest begins after the last ") ".
    set -- ${line##*) }
    state=$1 parent=$2
    shift 19
    start=$1
}

named=
while read -r pid expected; do
    named="$named $pid:$expected"
done

doomed=' '
for entry in $named; do
    pid=${entry%:*}
    inspect "$pid" && [ "$start" = "${entry#*:}" ] || continue
    kill -STOP "$pid" 2>/dev/null # so that it starts nothing more
    doomed="$doomed$pid "
done

grown=$doomed
while [ "$grown" != ' ' ]; do
    grown=' '
    for entry in /proc/[0-9]*; do
        pid=${entry#/proc/}
        inspect "$pid" || continue
        case $doomed in
        *" $pid "*) ;;
        *" $parent "*)
            kill -STOP "$pid" 2>/dev/null
            doomed="$doomed$pid "
            grown="$grown$pid "
            ;;
        esac
    done
done

[ "$doomed" = ' ' ] || kill -KILL $doomed 2>/dev/null

# Killed is not yet gone: wait for it, so that ports and locks are free when this script ends.
patience=200
for pid in $doomed; do
    while [ $patience -gt 0 ] && inspect "$pid" && [ "$state" != Z ]; do
        patience=$((patience - 1))
        sleep 0.02
    done
done

[ -n "$folder" ] || exit 0
while [ $patience -gt 0 ] && ! rm -rf -- "$folder" 2>/dev/null; do
    patience=$((patience - 1))
    sleep 0.02
done
