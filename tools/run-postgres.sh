# shellcheck shell=bash
#  run-postgres.sh — the private PostgreSQL of tools/run: where its data is, who it runs as, and how
#  it is reached. Read by tools/run, whose functions it uses.
#
#  It listens on a Unix socket only, in a directory that is its user's alone, so there is no password
#  and no port. PostgreSQL refuses to run as root; for root there are three ways, tried in this order:
#      user         the system user `postgres`, where it can reach this checkout
#      namespace    a user namespace in which root is nobody special and root's files are its own
#      elsewhere    user `postgres` with the data in /var/tmp, in a directory named after the checkout
#  Data that is there already decides: it is opened the way it was made.

postgres_way=        #  direct, user, namespace, elsewhere
postgres_place=      #  directory of data and socket
postgres_as=()       #  what to put before a command that is PostgreSQL's

#  A short name for this checkout, for places outside of it.
postgres_mark () {
    printf '%s' "${top:?}" | cksum | cut -d ' ' -f 1
}

postgres_place_of () {
    case $1 in
    elsewhere) echo "/var/tmp/stentor-$(postgres_mark)-postgres" ;;
    *) echo "$top/var/postgres" ;;
    esac
}

#  Whether a command line is that of a server on our data, whichever way it was started.
postgres_is_command () {
    [[ $1 == *"-D $(postgres_place_of user)/data "* || $1 == *"-D $(postgres_place_of elsewhere)/data "* ]]
}

#  The way's prefix for commands, in postgres_as. Fails when the way cannot be gone here at all.
postgres_try_way () {
    local place
    place=$(postgres_place_of "$1")
    case $1 in
    direct)
        postgres_as=(env)
        [ "$(id -u)" != 0 ]
        ;;
    user | elsewhere)
        getent passwd postgres >/dev/null || return 1
        postgres_as=(setpriv --reuid postgres --regid postgres --init-groups)
        mkdir -p "$place" && chown postgres: "$place" && chmod 700 "$place" &&
            "${postgres_as[@]}" test -w "$place" 2>/dev/null
        ;;
    namespace)
        postgres_as=(unshare --user --map-user=65534 --map-group=65534)
        "${postgres_as[@]}" true 2>/dev/null && mkdir -p "$place" && chown root: "$place" && chmod 700 "$place"
        ;;
    esac
}

#  Which way the data was made that is there; nothing when there is none.
postgres_known_way () {
    local owner
    if [ -f "$(postgres_place_of user)/data/PG_VERSION" ]; then
        owner=$(stat -c %U "$(postgres_place_of user)/data")
        case $owner in
        "$(id -un)") [ "$(id -u)" = 0 ] && echo namespace || echo direct ;;
        postgres) [ "$(id -u)" = 0 ] && echo user || echo "of $owner" ;;
        *) echo "of $owner" ;;
        esac
    elif [ "$(id -u)" = 0 ] && [ -f "$(postgres_place_of elsewhere)/data/PG_VERSION" ]; then
        echo elsewhere
    fi
}

postgres_choose_way () {
    local known way
    known=$(postgres_known_way)
    case $known in
    of\ *) give_up 69 "var/postgres belongs to ${known#of }, not to you ($(id -un))" ;;
    '') ;;
    *)
        postgres_try_way "$known" ||
            give_up 69 "the data in $(postgres_place_of "$known") was made the way '$known', which does not work any more"
        postgres_way=$known
        ;;
    esac
    for way in direct user namespace elsewhere; do
        [ -z "$postgres_way" ] || break
        [ -n "${RUN_POSTGRES_WAY:-}" ] && [ "$way" != "$RUN_POSTGRES_WAY" ] && continue
        postgres_try_way "$way" && postgres_way=$way
    done
    [ -n "$postgres_way" ] ||
        give_up 69 "PostgreSQL does not run as root, and neither the user postgres nor a user namespace can be had; set POSTGRES_URL, or run this as another user"
    postgres_place=$(postgres_place_of "$postgres_way")
    if [ "$postgres_way" = elsewhere ]; then
        say "PostgreSQL cannot reach this directory; its data is in $postgres_place"
    fi
}

#  A socket's path has at most 107 bytes.
postgres_choose_socket () {
    postgres_socket=$postgres_place/socket
    if [ "${#postgres_socket}" -gt 85 ]; then
        postgres_socket=/tmp/stentor-$(postgres_mark)
    fi
    if ! { mkdir -p "$postgres_socket" && chmod 700 "$postgres_socket" &&
        chown --reference="$postgres_place" "$postgres_socket"; }; then
        give_up 69 "cannot make $postgres_socket, where PostgreSQL is to listen"
    fi
}

#  Made under another name first: what has the right name is complete.
postgres_make_data () {
    local made=$postgres_place/data-in-the-making
    [ -f "$postgres_place/data/PG_VERSION" ] && return
    say "making a database in $postgres_place"
    rm -rf "$made"
    "${postgres_as[@]}" "$postgres_bin/initdb" -D "$made" -U stentor --auth=trust --encoding=UTF8 \
        --locale=C.UTF-8 >var/log/initdb.log 2>&1 ||
        give_up 69 "initdb failed: $(tail -n 1 var/log/initdb.log)"
    mv "$made" "$postgres_place/data"
}

#  A server that was killed leaves the number of its process, which may be anybody's by now. Nobody
#  else starts a server on this data while we hold the lock.
postgres_clear_stale_lock () {
    local file=$postgres_place/data/postmaster.pid pid
    pid=$(head -n 1 "$file" 2>/dev/null) || return 0
    if [ -n "$pid" ] && ! is_ours "$pid"; then
        rm -f "$file"
    fi
}

postgres_prepare () {
    postgres_bin=$(pg_config --bindir 2>/dev/null)
    if [ ! -x "$postgres_bin/postgres" ]; then
        local found=(/usr/lib/postgresql/*/bin)
        postgres_bin=${found[-1]}
    fi
    [ -x "$postgres_bin/initdb" ] || give_up 69 "there is no PostgreSQL server; install the package postgresql"
    postgres_choose_way
    postgres_choose_socket
    postgres_make_data
    local version
    version=$("$postgres_bin/postgres" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
    [ "$(cat "$postgres_place/data/PG_VERSION")" = "$version" ] ||
        give_up 69 "the data in $postgres_place is of PostgreSQL $(cat "$postgres_place/data/PG_VERSION"), the server is $version: use pg_upgrade, or move the data away"
}

postgres_start () {
    postgres_clear_stale_lock
    start postgres INT "${postgres_as[@]}" setpriv --pdeathsig INT "$postgres_bin/postgres" \
        -D "$postgres_place/data" -c listen_addresses= -c unix_socket_directories="$postgres_socket" \
        -c port=5432 -c fsync=on -c synchronous_commit=on \
        -c max_connections=$((POSTOFFICES * (${POSTGRES_LINKS:-4} + 4) + 20))
}

postgres_answers () {
    "$postgres_bin/pg_isready" -q -h "$postgres_socket" -p 5432 -U stentor -d postgres
}

postgres_url () {
    local host=${postgres_socket//\\/\\\\}
    echo "host='${host//\'/\\\'}' port=5432 user=stentor dbname=stentor"
}

postgres_make_database () {
    local there
    there=$("$postgres_bin/psql" -X -A -t -h "$postgres_socket" -p 5432 -U stentor -d postgres \
        -c "select 1 from pg_database where datname = 'stentor'" 2>&1) ||
        give_up 69 "PostgreSQL does not take our connection: $there"
    [ "$there" = 1 ] ||
        "$postgres_bin/createdb" -h "$postgres_socket" -p 5432 -U stentor stentor ||
        give_up 69 "cannot make the database stentor"
}

#  A database that was given: look before the services do, for one clear line.
postgres_check_theirs () {
    local url=${POSTGRES_URL:-} words
    if [ -z "$url" ]; then
        url=$(cat "$POSTGRES_URL_FILE" 2>/dev/null) || give_up 78 "POSTGRES_URL_FILE: cannot read $POSTGRES_URL_FILE"
    fi
    words=$(PGCONNECT_TIMEOUT=5 psql -X -A -t -d "$url" -c 'select 1' 2>&1 >/dev/null </dev/null) ||
        give_up 69 "the database of POSTGRES_URL cannot be used: $(head -n 1 <<<"$words")"
}
