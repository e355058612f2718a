# The shop on fresh servers, under load, and PostgreSQL alone on the same. Sourced by the comparisons next to it, with the
# project's directory as the current one, and `round` set while one is under way.
name=${0##*/}
for tool in jq pgbench psql; do
    command -v $tool >/dev/null || PATH=$(echo /usr/lib/postgresql/*/bin | cut -d' ' -f1):$PATH
    command -v $tool >/dev/null || { echo "$name: $tool is missing: apt-get install $tool" >&2; exit 1; }
done
data=$(mktemp -d "/var/tmp/plumbline-$name.XXXXXX")
chmod 755 "$data"
trap './plumbline --data-dir "$data/shop" down >/dev/null 2>&1 || true; rm -rf "$data"' EXIT

shop() { ./plumbline --data-dir "$data/shop" "$@"; }
fresh() { rm -rf "$data/shop" "$data"/url-*; shop up -d --port-offset 2500 >/dev/null; }
pids() { shop status --json | jq -r '.[] | select(.part | startswith("'"$1"'")) | .pid'; }
note() { echo "$1 $2" >>"$data/runs"; printf 'round %s  %-22s %8.0f a second%s\n' "$round" "$1" "$2" "${3:-}"; }

# Orders decided a second by a fresh shop at saturation, under the name $1. More arguments are the load's. Where `strategy`
# is set, that is how stock is locked.
saturate() {
    local run=$1 summary
    shift
    load() { shop load synthetic --saturate --connections 1024 "$@" --json; }
    fresh
    [ -z "${strategy:-}" ] || shop settings set inventory.locks.strategy "$strategy" >/dev/null
    load "$@" --for 5 >/dev/null # Kafka's code is compiled while it runs, and all caches are cold
    summary=$(load "$@" --for "$seconds")
    note "$run" "$(jq .settled.decided_per_second <<<"$summary")" "$(jq -r '"  (accepted \(.acknowledged_per_second | round))"' <<<"$summary")"
    right
    shop down >/dev/null
}

# A query's answer from the database of a service ($1) that runs. Its own role may make tables there; its environment holds
# the URL, which is kept for when it is gone.
ask() { psql -qAtX "$(url "$1")" -c "$2"; }
url() {
    local kept="$data/url-$1"
    [ -s "$kept" ] || tr '\0' '\n' <"/proc/$(pids "$1")/environ" | sed -n 's/^PLUMBLINE_DATABASE_URL=//p' >"$kept"
    cat "$kept"
}

# Waits until a query ($2) has the answer $3 from the database of a service ($1), for three minutes at most.
until_is() {
    local answer
    for _ in $(seq 180); do
        answer=$(ask "$1" "$2")
        [ "$answer" != "$3" ] || return 0
        sleep 1
    done
    echo "$name: $2: still $answer, and not $3" >&2
    exit 1
}

# Orders decided a second by inventory alone, under the name $1: they wait in Kafka, nothing places or confirms any meanwhile.
# More arguments are the load's. The first and the last tenth are left out, where it starts and where it runs dry. Where
# `strategy` is set, that is how stock is locked.
drain() {
    local run=$1 placed begin
    shift
    fresh
    [ -z "${strategy:-}" ] || shop settings set inventory.locks.strategy "$strategy" >/dev/null
    place() { shop load synthetic --saturate --connections 256 "$@" --json >/dev/null; }
    place "$@" --for 5
    url order >/dev/null && url inventory >/dev/null
    # What is not final when it ends is what is wanted here.
    place "$@" --for "$seconds" --settle 1 2>/dev/null &
    sleep 2
    shop kill inventory >/dev/null
    wait $! || true
    until_is order 'SELECT count(*) FROM outbox' 0
    shop kill order >/dev/null && shop kill recommendation >/dev/null
    placed=$(ask order 'SELECT count(*) FROM orders')
    begin=$(ask inventory "SELECT now()")
    shop restart inventory >/dev/null
    until_is inventory 'SELECT count(*) FROM reservations' "$placed"
    note "$run" "$(ask inventory "SELECT 0.8 * count(*) / extract(epoch FROM percentile_disc(0.9) WITHIN GROUP (ORDER BY
        decided_at) - percentile_disc(0.1) WITHIN GROUP (ORDER BY decided_at)) FROM reservations WHERE decided_at > '$begin'")"
    shop restart order >/dev/null && shop restart recommendation >/dev/null
    right
    shop down >/dev/null
}

# Ends here if any order is wrong.
right() { shop audit >"$data/audit" || { cat "$data/audit"; exit 1; }; }

# Transactions a second by pgbench with 32 clients, in the database of a service ($1) of a shop whose services are gone. $2
# makes ready what $3 does.
alone() {
    local url rate
    fresh
    url=$(url "$1")
    shop kill order >/dev/null && shop kill inventory >/dev/null && shop kill recommendation >/dev/null
    psql -q "$url" -f "loadtests/pgbench/$2"
    rate=$(pgbench -n -M prepared -f "loadtests/pgbench/$3" -c 32 -j 2 -T "$seconds" "$url" 2>/dev/null |
        sed -n 's/^tps = \([0-9.]*\).*/\1/p')
    note pgbench "$rate"
    shop down >/dev/null
}

median() { awk -v run="$1" '$1 == run { print $2 }' "$data/runs" | sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
