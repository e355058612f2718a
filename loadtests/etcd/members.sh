# Three members of either kind, and what asks after them. Sourced by the comparisons next to it, in the project's directory.
tools=${PLUMBLINE_ETCD_TOOLS:-/var/cache/plumbline/etcd-3.6.16}
export CGO_ENABLED=0
data=$(mktemp -d /var/tmp/plumbline-etcd.XXXXXX)
pids=()
trap 'kill -9 "${pids[@]}" 2>/dev/null || true; rm -rf "$data"' EXIT

build() {
    # A program that is named is taken as it is.
    [ -n "${PLUMBLINE_COORDINATOR:-}" ] || ./plumbline --version >/dev/null
    [ -x "$tools/benchmark" ] && [ -x "$tools/etcd" ] && [ -x "$tools/etcdctl" ] && return
    PATH=$PATH:/usr/local/go/bin
    command -v go >/dev/null || { echo "${0##*/}: Go is missing: it builds etcd and its benchmark" >&2; exit 1; }
    mkdir -p "$tools"
    (cd "$here" && go build -trimpath -ldflags="-s -w" -o "$tools/etcd" go.etcd.io/etcd/server/v3 &&
        go build -trimpath -ldflags="-s -w" -o "$tools/etcdctl" go.etcd.io/etcd/etcdctl/v3 &&
        go build -trimpath -ldflags="-s -w" -o "$tools/benchmark" go.etcd.io/etcd/v3/tools/benchmark)
}

program() { if [ "$1" = etcd ]; then echo "$tools/etcd"; else echo "${PLUMBLINE_COORDINATOR:-target/release/plumbline-coordinator}"; fi; }

urls() { echo "http://127.0.0.1:$((23790 + $1))"; }
peer() { echo "http://127.0.0.1:$((23800 + $1))"; }

# Starts one member, or starts it again.
member() {
    "$(program "$1")" --name "n$2" --data-dir "$data/$1-$2" \
        --listen-client-urls "$(urls "$2")" --advertise-client-urls "$(urls "$2")" \
        --listen-peer-urls "$(peer "$2")" --initial-advertise-peer-urls "$(peer "$2")" \
        --initial-cluster "n1=$(peer 1),n2=$(peer 2),n3=$(peer 3)" --initial-cluster-token "$1" \
        >>"$data/$1-$2.log" 2>&1 &
    pids[$2 - 1]=$!
}

start() {
    pids=()
    for n in 1 2 3; do member "$1" "$n"; done
    for n in 1 2 3; do
        timeout 30 sh -c "until curl -sf $(urls $n)/health >/dev/null; do sleep 0.1; done" ||
            { echo "${0##*/}: $1 did not start:" >&2; tail -n 5 "$data/$1"-*.log >&2; exit 1; }
    done
}

stop() {
    kill -9 "${pids[@]}" 2>/dev/null && wait "${pids[@]}" 2>/dev/null || true
    pids=()
    rm -rf "$data/$1"-*
}

memory() { for pid in "${pids[@]}"; do awk '/VmRSS/ { print $2 }' "/proc/$pid/status"; done | awk '{ s += $1 } END { printf "%.1f", s / 3072 }'; }
cpu() { for pid in "${pids[@]}"; do cut -d' ' -f14,15 "/proc/$pid/stat"; done | awk '{ s += $1 + $2 } END { print s }'; }

bench() { "$tools/benchmark" --endpoints "$(urls 1),$(urls 2),$(urls 3)" --target-leader --precise "$@" 2>/dev/null; }
put() { bench --conns "$1" --clients "$2" put --val-size 256 --key-space-size 100000 --sequential-keys --total "$3"; }
range() { bench --conns "$1" --clients "$2" range key --consistency "$3" --total "$4"; }
