#  stage — what the scripts of bench/ share: settings, processes, a PostgreSQL of their own, and the
#  router on free ports of the loopback. To be sourced; then: `stage_build`, `stage_begin`, and what
#  is needed of `start_postgres` and `start_router`. Everything is stopped and deleted at the end.
#
#  Settings, from the environment:
#      EDGES, POSTOFFICES, STENTOR_CONNECTORS    how many of each (1)
#      BENCH_BUILD          a build directory to use as it is, without building
#      BENCH_PLACE          where PostgreSQL's data is for the while (/var/tmp)
#      BENCH_KEEP           a directory to keep the raw numbers and the logs in
#  Other settings of the services are handed on to them.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 69
top=$PWD

declare -A pid_of=()         #  name → pid of what runs
declare -A port_of=()        #  edge or postoffice → where it is connected to
declare -A operations_of=()  #  service → its operations port
postgres_as=(env)            #  what to put before a command that is PostgreSQL's
work=                        #  directory of everything, deleted at the end
bot_url=http://127.0.0.1:9/  #  where nobody listens

say () {
    printf '%s: %s\n' "${stage_name:-bench}" "$*" >&2
}

give_up () {
    local code=$1
    shift
    say "$*"
    exit "$code"
}

#  setting NAME DEFAULT LEAST MOST
setting () {
    local value=${!1:-$2}
    if ! [[ $value =~ ^[0-9]{1,6}$ ]] || ((10#$value < $3 || 10#$value > $4)); then
        give_up 78 "$1 is '$value'; it must be a number from $3 to $4"
    fi
    printf -v "$1" '%d' "$((10#$value))"
}

#  numbers_setting NAME DEFAULTS LEAST MOST — one or more numbers, with blanks between them.
numbers_setting () {
    local values=${!1:-$2} value
    for value in $values; do
        if ! [[ $value =~ ^[0-9]{1,6}$ ]] || ((10#$value < $3 || 10#$value > $4)); then
            give_up 78 "$1 is '$values'; it must be numbers from $3 to $4, with blanks between them"
        fi
    done
    printf -v "$1" '%s' "$values"
}

# ------------------------------------------------------------------------------------------------
#  Processes

given_ports=' '
#  Sets the named variable to a port that nobody listens on, from below the kernel's own range.
free_port () {
    local candidate
    while :; do
        candidate=$((20000 + RANDOM % 12000))
        [[ $given_ports == *" $candidate "* ]] && continue
        (exec 3<>"/dev/tcp/127.0.0.1/$candidate") 2>/dev/null || break
    done
    given_ports+="$candidate "
    printf -v "$1" '%d' "$candidate"
}

#  start NAME COMMAND... — ended by the kernel should this script be killed.
start () {
    local name=$1
    shift
    setpriv --pdeathsig KILL "$@" </dev/null >>"$work/log/$name.log" 2>&1 &
    pid_of[$name]=$!
}

#  stop PATTERN — all of that name at once, and waits for them.
stop () {
    local name until=$((SECONDS + 20))
    for name in "${!pid_of[@]}"; do
        # shellcheck disable=SC2053  #  a pattern it is
        [[ $name == $1 ]] || continue
        kill -s "$([ "$name" = postgres ] && echo INT || echo TERM)" "${pid_of[$name]}" 2>/dev/null
    done
    for name in "${!pid_of[@]}"; do
        # shellcheck disable=SC2053
        [[ $name == $1 ]] || continue
        while kill -0 "${pid_of[$name]}" 2>/dev/null; do
            if ((SECONDS >= until)); then
                say "$name does not end; killing it"
                kill -KILL "${pid_of[$name]}"
                break
            fi
            sleep 0.05
        done
        wait "${pid_of[$name]}" 2>/dev/null
        unset "pid_of[$name]"
    done
}

#  wait_until NAME COMMAND... — until the command succeeds; the process must stay alive.
wait_until () {
    local name=$1 until=$((SECONDS + 30))
    shift
    until "$@"; do
        if ! kill -0 "${pid_of[$name]}" 2>/dev/null || ((SECONDS >= until)); then
            give_up 69 "$name does not start: $(tail -n 1 "$work/log/$name.log" | cut -c 1-300)"
        fi
        sleep 0.05
    done
}

#  kill_at_once PATTERN — all of that name, without a word.
kill_at_once () {
    local name
    for name in "${!pid_of[@]}"; do
        # shellcheck disable=SC2053  #  a pattern it is
        [[ $name == $1 ]] && kill -KILL "${pid_of[$name]}"
    done
    for name in "${!pid_of[@]}"; do
        # shellcheck disable=SC2053
        [[ $name == $1 ]] || continue
        wait "${pid_of[$name]}" 2>/dev/null
        unset "pid_of[$name]"
    done
}

#  pids PATTERN — "12,13" of those that run.
pids () {
    local name list=
    for name in "${!pid_of[@]}"; do
        # shellcheck disable=SC2053
        [[ $name == $1 ]] && list+=${list:+,}${pid_of[$name]}
    done
    echo "$list"
}

#  Signals sent at the end are not to be taken for a fault.
clean_up () {
    trap '' INT TERM HUP
    stop_router
    stop '[!p]*'
    stop postgres
    if [ -n "$work" ]; then
        [ -z "${BENCH_KEEP:-}" ] || { mkdir -p "$BENCH_KEEP" && cp -r "$work/log" "$work"/*.numbers "$BENCH_KEEP"; }
        rm -rf "$work"
    fi
}

#  stage_build TARGET... — sets `bin`.
stage_build () {
    if [ -n "${BENCH_BUILD:-}" ]; then
        bin=$(cd "$BENCH_BUILD" && pwd)/bin || exit 69
        return
    fi
    tools/install || exit $?
    say "building (the first time takes a minute)"
    { [ -f build-bench/build.ninja ] ||
        cmake -S . -B build-bench -G Ninja -DCMAKE_BUILD_TYPE=Release -DSTENTOR_TESTS=OFF >/dev/null; } &&
        cmake --build build-bench --target edge postoffice stentor-connector bench-load "$@" >&2 ||
        give_up 69 "the build failed; its words are above"
    bin=$top/build-bench/bin
}

#  From here on there is something to clean up.
stage_begin () {
    load_before=$(cut -d ' ' -f 1-3 /proc/loadavg)
    trap clean_up EXIT
    trap 'exit 130' INT TERM HUP
    work=$(mktemp -d "${BENCH_PLACE:-/var/tmp}/stentor-bench.XXXXXX") || exit 69
    chmod 755 "$work"
    mkdir "$work/log"
    ulimit -n "$(ulimit -H -n)"
}

# ------------------------------------------------------------------------------------------------
#  PostgreSQL: its settings are Debian's, but that a checkpoint is made before each measurement

start_postgres () {
    local found=(/usr/lib/postgresql/*/bin) user
    postgres_bin=$(pg_config --bindir 2>/dev/null)
    [ -x "$postgres_bin/initdb" ] || postgres_bin=${found[-1]}
    [ -x "$postgres_bin/initdb" ] || give_up 69 "there is no PostgreSQL server; install the package postgresql"
    mkdir "$work/postgres"
    if [ "$(id -u)" = 0 ]; then   #  PostgreSQL refuses to be root
        user=$(getent passwd postgres nobody | head -n 1 | cut -d : -f 1)
        chown "$user" "$work/postgres"
        postgres_as=(setpriv --reuid "$user" --clear-groups)
    fi
    "${postgres_as[@]}" "$postgres_bin/initdb" -D "$work/postgres/data" -U stentor --auth=trust \
        --encoding=UTF8 --locale=C.UTF-8 >"$work/log/initdb.log" 2>&1 ||
        give_up 69 "initdb failed: $(tail -n 1 "$work/log/initdb.log")"
    free_port postgres_port
    start postgres "${postgres_as[@]}" setpriv --pdeathsig INT "$postgres_bin/postgres" \
        -D "$work/postgres/data" -c listen_addresses=127.0.0.1 -c port="$postgres_port" \
        -c unix_socket_directories= -c fsync=on -c synchronous_commit=on
    postgres_url=postgresql://stentor@127.0.0.1:$postgres_port/postgres
    wait_until postgres "$postgres_bin/pg_isready" -q -d "$postgres_url"
}

checkpoint () {
    "$postgres_bin/psql" -X -q -d "$postgres_url" -c checkpoint ||
        give_up 69 "PostgreSQL does not answer"
}

#  sql STATEMENT — what it answers, without a frame.
sql () {
    "$postgres_bin/psql" -X -A -t -d "$postgres_url" -c "$1"
}

# ------------------------------------------------------------------------------------------------
#  The router

answers_200 () {
    local line=
    {
        exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
        printf 'GET /readyz HTTP/1.0\r\n\r\n' >&3
        read -r -t 2 line <&3
        exec 3>&-
    } 2>/dev/null
    [[ $line == *' 200 '* ]]
}

#  All come from one address, and say much. Counted is as always.
unreached_limits=()
for limit in $(sed -n 's/^LIMIT .*"\(EDGE_[A-Z_]*\)".*/\1/p' "$top/services/edge/tables/limits.def"); do
    unreached_limits+=("$limit=1000000")
done

#  start_service NAME — also again, with the ports that it had.
start_service () {
    local name=$1 kind=${1%-*}
    start "$name" env NODE_NAME="$name" OPERATIONS_ADDRESS=127.0.0.1 \
        OPERATIONS_PORT="${operations_of[$name]}" POSTGRES_URL="$postgres_url" \
        POSTOFFICE_ADDRESSES="$postoffice_addresses" BOT_URL="$bot_url" EDGE_DEMO_MODE=on \
        EDGE_ADDRESS=127.0.0.1 EDGE_PORT="${port_of[$name]:-}" EDGE_WEB_ROOT="$top/services/edge/web" \
        EDGE_ADDRESS_SOCKETS=0 EDGE_ADDRESS_SILENT=0 EDGE_ADDRESS_SOCKETS_PER_SECOND=0 \
        EDGE_ADDRESS_UPGRADES_PER_SECOND=0 EDGE_ADDRESS_REQUESTS_PER_SECOND=0 \
        "${unreached_limits[@]}" \
        POSTOFFICE_BUS_ADDRESS="tcp://127.0.0.1:${port_of[$name]:-}" "$bin/$kind"
}

#  services_are_ready PATTERN
services_are_ready () {
    local name
    for name in "${!pid_of[@]}"; do
        # shellcheck disable=SC2053
        [[ $name == $1 && -n ${operations_of[$name]:-} ]] &&
            wait_until "$name" answers_200 "${operations_of[$name]}"
    done
    return 0
}

start_router () {
    local number port kind name
    local -A count=([postoffice]=$POSTOFFICES [stentor-connector]=$STENTOR_CONNECTORS [edge]=$EDGES)
    edge_ports=
    postoffice_addresses=
    for kind in postoffice stentor-connector edge; do
        for ((number = 1; number <= count[$kind]; number++)); do
            name=$kind-$number
            free_port "operations_of[$name]"
            free_port port
            port_of[$name]=$port
            [ "$kind" = edge ] && edge_ports+=${edge_ports:+,}$port
            [ "$kind" = postoffice ] && postoffice_addresses+=${postoffice_addresses:+,}127.0.0.1:$port
        done
    done
    for kind in postoffice stentor-connector edge; do
        for ((number = 1; number <= count[$kind]; number++)); do
            start_service "$kind-$number"
        done
    done
    services_are_ready '*'
    watch_router
}

#  What the load generator is to watch; anew when one of them was started again.
watch_router () {
    watch=(--watch=edge="$(pids 'edge-*')" --watch=postoffice="$(pids 'postoffice-*')"
        --watch=connector="$(pids 'stentor-connector-*')" --watch=postgres="${pid_of[postgres]}")
}

stop_router () {
    stop 'edge-*'
    stop 'stentor-connector-*'
    stop 'postoffice-*'
}

#  The demonstration's bot, which answers at once.
start_demo_bot () {
    local port
    free_port port
    start demo-bot env DEMO_BOT_PORT="$port" "$bin/demo-bot"
    wait_until demo-bot listens "$port"
    bot_url=http://127.0.0.1:$port/
}

listens () {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

#  metric SERVICE NAME — the sum over its labels; 0 when there is none of that name.
metric () {
    {
        exec 3<>"/dev/tcp/127.0.0.1/${operations_of[$1]}" || return 1
        printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3
        awk -v name="$2" '{ sub (/[{].*[}]/, "") } $1 == name { sum += $2 } END { printf "%.0f\n", sum }' <&3
        exec 3>&-
    } 2>/dev/null
}

#  metrics PATTERN NAME — the sum over all services of that name.
metrics () {
    local name sum=0
    for name in "${!pid_of[@]}"; do
        # shellcheck disable=SC2053
        [[ $name == $1 ]] && sum=$((sum + $(metric "$name" "$2")))
    done
    echo "$sum"
}

# ------------------------------------------------------------------------------------------------
#  What /proc says of a process that was started here; of PostgreSQL, with all its children

family_of () {
    local pid=${pid_of[$1]}
    echo "$pid" "$([ "$1" = postgres ] && cat "/proc/$pid/task/$pid/children" 2>/dev/null)"
}

#  pss_of NAME [Pss_Anon] — in kB.
pss_of () {
    local pid
    for pid in $(family_of "$1"); do
        cat "/proc/$pid/smaps_rollup" 2>/dev/null
    done | awk -v field="${2:-Pss}:" '$1 == field { sum += $2 } END { print sum + 0 }'
}

#  status_of NAME VmRSS|VmHWM — in kB.
status_of () {
    local pid
    for pid in $(family_of "$1"); do
        cat "/proc/$pid/status" 2>/dev/null
    done | awk -v field="$2:" '$1 == field { sum += $2 } END { print sum + 0 }'
}

#  cpu_of NAME — in clock ticks of 10 ms so far.
cpu_of () {
    local pid
    for pid in $(family_of "$1"); do
        cat "/proc/$pid/stat" 2>/dev/null
    done | awk '{ sub (/.*[)]/, ""); sum += $12 + $13 } END { print sum + 0 }'
}

megabytes () {
    awk -v kilobytes="$1" 'BEGIN { printf "%.1f", kilobytes / 1024 }'
}

# ------------------------------------------------------------------------------------------------
#  Numbers

#  value FILE NAME — nothing when it was not measured.
value () {
    sed -n "s/^$2=//p" "$work/$1.numbers" 2>/dev/null
}

milliseconds () {
    [ -z "$1" ] || awk -v us="$1" 'BEGIN { print us / 1000 }'
}

#  The first lines of every table.
stage_conditions () {
    local version
    version=$(git describe --always --dirty 2>/dev/null || echo "no git")
    echo "Stentor chat router $version, $(date -u '+%Y-%m-%d %H:%M UTC')"
    echo "  machine    $(nproc) cores ($(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)), $(uname -sr)"
    echo "  load       $load_before before, $(cut -d ' ' -f 1-3 /proc/loadavg) after (1, 5, 15 minutes)"
    echo "  PostgreSQL $("$postgres_bin/postgres" --version | sed 's/[^0-9]*\([0-9.]*\).*/\1/'), fsync and synchronous_commit on," \
        "data on $(df --output=fstype "$work" | tail -n 1); Node $(node --version 2>/dev/null || echo none)"
    echo "  router     $EDGES edge, $POSTOFFICES postoffice, $STENTOR_CONNECTORS connector; $("$bin/postoffice" --version 2>/dev/null | head -n 1)"
}
