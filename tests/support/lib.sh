# shellcheck shell=bash
# lib.sh - what the tests with real servers share: servers, programs, SQL, waiting, comparing.
#
# A test is a bash file that sources this one, does its steps and ends; nothing is shared between tests, each has a
# folder, ports and servers of its own. The last line on stdout is "ok NAME" or "not ok NAME - STEP: REASON"; the exit
# code says the same. After a failure the folder stays, and the ends of all logs are printed.
#
#   dw_up [--pg NAME[:KEY=VALUE,…]]…      Kafka and PostgreSQL. Databases erp, crm and state lie on one server, "db",
#                                         except those named with --pg, which get a server of their own
#   dw_config [JQ_FILTER]…                writes dualwrite.json; filters change it
#   dw_start KIND [NAME] [VAR=VALUE]… [-- ARGUMENT…]   KIND: producer, consumer, reconciler; NAME defaults to KIND
#   dw_map FILE_OR_JSON                   map apply --start --no-sync, then waits until its table is published
#   dw_stop, dw_kill, dw_freeze, dw_continue NAME
#
# Environment: DW_BIN (the programs; default build/dev/bin), DW_TEST_KEEP=1 (keep the folder), DW_TEST_SLOW=N (all
# times N times as long, for sanitizers), DW_TEST_TERM=1 (programs end by SIGTERM, so that coverage is written).
set -Eeuo pipefail
shopt -s inherit_errexit
unset CDPATH "${!PG@}"

dw_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
dw_bin=${DW_BIN:-$dw_root/build/dev/bin}
dw_servers=$dw_root/deploy/local/servers
dw_name=$(basename "$0" .sh)
dw_slow=${DW_TEST_SLOW:-1}
dw_dir=
dw_step=start
dw_reason=
declare -A dw_pids=() dw_ports=()

# ---- beginning and end ----

step() {
    dw_step=$*
    printf '# %s: %s\n' "$dw_name" "$*" >&2
}

# Ends the test; the reason is its last word.
fail() {
    dw_reason=$*
    exit 1
}

skip() {
    printf 'ok %s # skip %s\n' "$dw_name" "$*"
    trap - EXIT ERR
    dw_down
    exit 0
}

# Prints the last lines of the programs' logs; only warnings and errors of the servers'.
log_tails() {
    local file
    [[ $dw_dir ]] || return 0
    for file in "$dw_dir"/*.log; do
        [[ -s $file ]] || continue
        printf -- '---- %s (last lines)\n' "$file"
        tail -n 12 "$file" | cut -c 1-600
    done >&2
    for file in "$dw_dir"/servers/*/server.log; do
        grep -qsE 'ERROR|FATAL|PANIC' "$file" || continue
        printf -- '---- %s (last errors)\n' "$file"
        grep -E 'ERROR|FATAL|PANIC' "$file" | tail -n 6 | cut -c 1-400 || true
    done >&2
}

dw_down() {
    local name
    if [[ ${DW_TEST_TERM:-} ]]; then
        for name in "${!dw_pids[@]}"; do kill -TERM "${dw_pids[$name]}" && kill -CONT "${dw_pids[$name]}"; done 2>/dev/null || true
        for name in "${!dw_pids[@]}"; do (wait_until 15 is_gone "$name") 2>/dev/null || true; done
    fi
    for name in "${!dw_pids[@]}"; do
        kill -KILL "${dw_pids[$name]}" 2>/dev/null || true
        wait "${dw_pids[$name]}" 2>/dev/null || true
    done
    if [[ $dw_dir && -d $dw_dir/servers ]]; then
        # Kafka's orderly end takes longer than its start; PostgreSQL's frees its shared memory.
        [[ ! -d $dw_dir/servers/kafka ]] || "$dw_servers" kill --dir "$dw_dir/servers" kafka >/dev/null 2>&1 || true
        "$dw_servers" stop --dir "$dw_dir/servers" >/dev/null 2>&1 || true
    fi
}

dw_on_error() { [[ $dw_reason ]] || dw_reason="line $2: $1 ended with $3"; }

dw_on_exit() {
    local code=$1
    trap - EXIT ERR
    set +e
    if ((code != 0)); then
        log_tails
        printf 'not ok %s - %s: %s\n' "$dw_name" "$dw_step" "${dw_reason:-exit code $code}"
        [[ ! $dw_dir ]] || printf '# kept: %s\n' "$dw_dir" >&2
        dw_down
        exit 1
    fi
    dw_down
    [[ ${DW_TEST_KEEP:-} || ! $dw_dir ]] || rm -rf "$dw_dir"
    printf 'ok %s\n' "$dw_name"
}

trap 'dw_on_error "$BASH_COMMAND" "$LINENO" $?' ERR
trap 'dw_on_exit $?' EXIT
trap 'exit 130' INT TERM

# ---- servers ----

dw_up() {
    local arguments=() own=' ' name database
    [[ -x $dw_bin/dualwrite-producer ]] || fail "$dw_bin has no programs; build them first: cmake --preset dev && cmake --build --preset dev"
    dw_dir=$(mktemp -d "${TMPDIR:-/tmp}/dw-$dw_name.XXXXXX")
    chmod 711 "$dw_dir"
    while (($#)); do
        [[ $1 == --pg ]] || fail "dw_up: unknown argument $1"
        arguments+=(--pg "$2")
        own+="${2%%:*} "
        shift 2
    done
    for name in erp crm state; do
        [[ $own == *" $name "* ]] || { arguments+=(--pg db); break; }
    done
    "$dw_servers" start --dir "$dw_dir/servers" --kafka --fast "${arguments[@]}" >"$dw_dir/servers.log" 2>&1 ||
        fail "the servers did not start"
    dw_env
    for database in erp crm state; do
        [[ -d $dw_dir/servers/pg-$database ]] || dw_sql db "create database $database"
    done
}

# Reads addresses and ports of the servers; again after one was restarted elsewhere.
dw_env() { eval "$("$dw_servers" env --dir "$dw_dir/servers")"; }

dw_server() { # COMMAND NAME: start, stop, kill or restart one server; databases that lie on "db" mean that one
    local name=$2
    [[ $name == kafka || -d $dw_dir/servers/pg-$name ]] || name=db
    case $1:$name in
        start:kafka) "$dw_servers" start --dir "$dw_dir/servers" --kafka ;;
        start:*) "$dw_servers" start --dir "$dw_dir/servers" --pg "$name" ;;
        *) "$dw_servers" "$1" --dir "$dw_dir/servers" "$name" ;;
    esac >>"$dw_dir/servers.log" 2>&1
}

# The libpq URL of a database; with a second argument for another user (whose password is their name).
dw_url() {
    local server=DW_PG_${1^^} port
    [[ -v $server ]] || server=DW_PG_DB
    port=${server}_PORT
    if [[ ${2:-} ]]; then
        printf 'postgresql://%s:%s@127.0.0.1:%s/%s' "$2" "$2" "${!port}" "$1"
    else
        server=${server}_PASSFILE
        printf 'postgresql://postgres@127.0.0.1:%s/%s?passfile=%s' "${!port}" "$1" "${!server}"
    fi
}

# dw_sql DATABASE [SQL]: rows as text, columns separated by |. Without SQL: reads standard input.
dw_sql() {
    local database=$1
    shift
    if (($#)); then
        psql -XAtq -v ON_ERROR_STOP=1 -d "$(dw_url "$database")" -c "$1"
    else
        psql -XAtq -v ON_ERROR_STOP=1 -d "$(dw_url "$database")" -f -
    fi
}

# Opens a session on a database that stays, for locks and open transactions: dw_session NAME DATABASE; dw_say NAME SQL
# returns when the statement has ended; dw_hush NAME closes it (an open transaction rolls back).
declare -A dw_session_in=() dw_session_out=() dw_session_pid=()
dw_session() {
    local in out
    # shellcheck disable=SC2034 # the coprocess's descriptors are copied at once
    coproc DW_PSQL { exec psql -XAtq -d "$(dw_url "$2")" 2>&1; }
    dw_session_pid[$1]=$DW_PSQL_PID
    exec {out}<&"${DW_PSQL[0]}" {in}>&"${DW_PSQL[1]}"
    dw_session_in[$1]=$in dw_session_out[$1]=$out
    dw_say "$1" 'select 1' >/dev/null
}

dw_say() {
    local line
    printf '%s;\n\\echo -- said --\n' "$2" >&"${dw_session_in[$1]}"
    while IFS= read -r -t $((30 * dw_slow)) -u "${dw_session_out[$1]}" line; do
        [[ $line != '-- said --' ]] || return 0
        printf '%s\n' "$line"
    done
    fail "session $1 did not answer: $2"
}

dw_hush() {
    local in=${dw_session_in[$1]} out=${dw_session_out[$1]}
    printf 'rollback;\n\\q\n' >&"$in"
    exec {in}>&- {out}<&-
    wait "${dw_session_pid[$1]}" 2>/dev/null || true
}

# ---- configuration and programs ----

dw_free_port() { "$dw_servers" port --dir "$dw_dir/servers"; }

# Writes dualwrite.json. Each argument is a jq filter that changes it, for example '.consumer.batch_rows = 10'.
# Times are short, so that tests are: the defaults are for production.
dw_config() {
    local filter file=$dw_dir/dualwrite.json
    [[ -e $dw_dir/token ]] || printf 'token-%s\n' "$RANDOM$RANDOM$RANDOM" >"$dw_dir/token"
    chmod 600 "$dw_dir/token"
    [[ -v dw_ports[reconciler] ]] || dw_ports[reconciler]=$(dw_free_port)
    jq -n --arg kafka "$DW_KAFKA" --arg erp "$(dw_url erp)" --arg crm "$(dw_url crm)" --arg state "$(dw_url state)" \
        --arg listen "127.0.0.1:${dw_ports[reconciler]}" '{
        kafka: { brokers: $kafka, partitions: 2 },
        state: { connection: $state },
        systems: { erp: { connection: $erp }, crm: { connection: $crm } },
        producer: { heartbeat_ms: 1000, position_save_ms: 200, partitions_look_ms: 500 },
        consumer: { session_timeout_ms: 6000, retry_max_ms: 500 },
        reconciler: { listen: $listen, token_file: "token" } }' >"$file"
    for filter in "$@"; do
        jq "$filter" "$file" >"$file.new" || fail "dw_config: bad filter $filter"
        mv "$file.new" "$file"
    done
    export DW_CONFIG=$file
}

dw_start() {
    local kind=$1 name environment=() arguments=()
    shift
    name=$kind
    if (($#)) && [[ $1 != *=* && $1 != -- ]]; then
        name=$1
        shift
    fi
    while (($#)) && [[ $1 != -- ]]; do
        environment+=("$1")
        shift
    done
    [[ ${1:-} != -- ]] || shift
    arguments=(--config "$dw_dir/dualwrite.json" --instance "$name" "$@")
    [[ $kind != producer || " $* " == *' --system '* ]] || arguments+=(--system erp)
    [[ -v dw_ports[$name] ]] || dw_ports[$name]=$(dw_free_port)
    [[ $kind == reconciler && $name == reconciler ]] ||
        environment=("DW_${kind^^}_LISTEN=127.0.0.1:${dw_ports[$name]}" "${environment[@]}")
    env "${environment[@]}" "$dw_bin/dualwrite-$kind" "${arguments[@]}" >>"$dw_dir/$name.log" 2>&1 &
    dw_pids[$name]=$!
    [[ $name != reconciler ]] || wait_until 15 has_started reconciler
}
# The reconciler answers its port before it knows whether it is the active one. A fault may end it even sooner.
has_started() { is_ready "$1" || is_gone "$1"; }

is_alive() { [[ -r /proc/${dw_pids[$1]}/stat && $(process_state "$1") != Z ]]; }
# Its threads may outlive it for a moment, and with them its port: it is gone when it was reaped.
declare -A dw_exit=()
is_gone() {
    local code=0
    ! is_alive "$1" || return 1
    wait "${dw_pids[$1]}" 2>/dev/null || code=$?
    ((code == 127)) || dw_exit[$1]=$code
}
is_frozen() { [[ $(process_state "$1") == T ]]; }
process_state() { sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/${dw_pids[$1]}/status" 2>/dev/null; }

# Waits for the end of a program that ends by itself; sets dw_code to its exit code.
exit_code_of() {
    wait_until "${2:-15}" is_gone "$1"
    unset "dw_pids[$1]"
    dw_code=${dw_exit[$1]}
}

# SIGTERM, then waits; fails when the program does not end cleanly.
dw_stop() {
    kill -TERM "${dw_pids[$1]}"
    exit_code_of "$1" 35
    ((dw_code == 0)) || fail "$1 ended with $dw_code after SIGTERM"
}

dw_kill() {
    kill -KILL "${dw_pids[$1]}" 2>/dev/null || true
    wait "${dw_pids[$1]}" 2>/dev/null || true
    unset "dw_pids[$1]"
}
dw_freeze() {
    kill -STOP "${dw_pids[$1]}"
    wait_until 5 is_frozen "$1"
}
dw_continue() { kill -CONT "${dw_pids[$1]}"; }

dw_cli() { "$dw_bin/dualwrite" "$@"; }

# dw_http NAME PATH [CURL ARGUMENT]…: the answer's body, then its status on a line of its own.
dw_http() {
    local name=$1 path=$2
    shift 2
    curl -sS -m 10 -w '\n%{http_code}' "$@" "http://127.0.0.1:${dw_ports[$name]}$path"
}
is_healthy() { [[ $(dw_http "$1" /healthz 2>/dev/null | tail -n 1) == 200 ]]; }
is_ready() { [[ $(dw_http "$1" /readyz 2>/dev/null | tail -n 1) == 200 ]]; }
dw_api() { # PATH [CURL ARGUMENT]…: the operator API with its token
    local path=$1
    shift
    dw_http reconciler "$path" -H "Authorization: Bearer $(<"$dw_dir/token")" "$@"
}
# dw_metric NAME METRIC{LABELS}: its value, 0 when it is not there. Labels may be a part: all that match are added.
dw_metric() {
    local label=
    [[ $2 != *\{* ]] || label=${2#*\{} label=${label%\}}
    dw_http "$1" /metrics | awk -v name="${2%%\{*}" -v label="$label" '
        /^#/ { next }
        { split($1, part, "{") }
        part[1] == name && (label == "" || index($0, label)) { sum += $NF }
        END { printf "%.12g\n", sum }'
}

# ---- maps ----

# dw_map FILE_OR_JSON: applies and starts a map, for live changes only; waits until the producer (if one runs) has its table.
dw_map() {
    local file=$1
    if [[ $1 == '{'* ]]; then
        file=$dw_dir/$(jq -r .map <<<"$1").json
        printf '%s\n' "$1" >"$file"
    fi
    dw_cli map apply "$file" --start --no-sync >"$dw_dir/apply.out" 2>&1 || {
        sed 's/^/# /' "$dw_dir/apply.out" >&2
        fail "map apply $file was refused"
    }
    [[ ! -v dw_pids[producer] ]] || wait_live erp
}

# copy_map NAME TABLE KEY [COLUMN]…: a map of a table to one of the same name and columns.
copy_map() {
    local name=$1 table=$2 key=$3
    shift 3
    jq -n --arg name "$name" --arg table "$table" --arg key "$key" --args '($key | split(",")) as $keys | {
        map: $name, version: "1.0.0",
        source: { system: "erp", table: $table, key: $keys },
        target: { system: "crm", table: $table, key: $keys },
        direction: "forward",
        columns: [ ($keys + $ARGS.positional)[] | { source: ., target: . } ] }' "$@"
}

is_live() {
    local wanted
    wanted=$(dw_sql state "select string_agg(quote_literal(r.document::json->'source'->>'table'), ',') from dualwrite.map m
        join dualwrite.map_revision r on r.map = m.name and r.revision = m.revision
        where m.state <> 'stopped' and m.source_system = '${1:-erp}'")
    # New revisions count from their place in the stream on.
    sql_is state "select count(*) from dualwrite.map m join dualwrite.map_revision r on r.map = m.name and r.revision = m.revision
        where m.state not in ('stopped', 'error') and m.source_system = '${1:-erp}' and r.marked_epoch = 0" 0 &&
    [[ $(dw_sql "${1:-erp}" "select count(*) from unnest(array[${wanted:-''}]::text[]) w
        where not exists (select from pg_publication_rel r join pg_publication p on p.oid = r.prpubid
            where p.pubname = 'dualwrite_${1:-erp}' and r.prrelid = to_regclass(w))") == 0 &&
        $(dw_sql "${1:-erp}" "select count(*) from pg_replication_slots where slot_name = 'dualwrite_${1:-erp}' and active") == 1 ]]
}

# Waits until changes of every map of a system (default erp) are captured: what is changed later is published.
# shellcheck disable=SC2120
wait_live() { wait_until 20 is_live "${1:-erp}"; }

map_state() { dw_sql state "select state from dualwrite.map where name = '$1'"; }
map_code() { dw_sql state "select code from dualwrite.map where name = '$1'"; }
map_is() { [[ $(map_state "$1") == "$2" ]]; }

# pause_map NAME: returns when every worker that has partitions of the map has stopped applying it: what is published from
# then on comes as one piece after `map resume`.
pause_map() {
    dw_cli map pause "$1" >/dev/null
    wait_until 15 sql_is state "select coalesce(bool_and((stats->'maps'->'$1'->>'paused')::boolean), false) from dualwrite.process
        where kind = 'consumer' and stats->'maps'->'$1' is not null and beat_at > now() - interval '4 s'" t
}

# All that most tests begin with: the three programs, and the maps given as JSON.
dw_begin() {
    local map
    dw_start reconciler
    for map in "$@"; do dw_map "$map"; done
    dw_start producer
    wait_live erp
    dw_start consumer
}

# ---- waiting ----

# wait_until SECONDS COMMAND…: polls; fails the test with the command and the logs' ends.
wait_until() {
    local seconds=$(($1 * dw_slow)) begun=${EPOCHREALTIME/[.,]/}
    shift
    until "$@" >/dev/null 2>&1; do
        ((${EPOCHREALTIME/[.,]/} - begun < seconds * 1000000)) || fail "not within $seconds s: $*"
        sleep 0.05
    done
}

sql_is() { [[ $(dw_sql "$1" "$2") == "$3" ]]; }

has_passed() { # MAP LSN PARTITIONS DATABASE
    sql_is "$4" "select count(*) >= $3 from dualwrite.progress where map = '$1' and commit_lsn >= '$2'" t
}

# A heartbeat of our own into a system's stream (default erp); gives its LSN.
dw_marker() {
    dw_sql "${1:-erp}" "select pg_logical_emit_message(true, 'dualwrite.heartbeat',
        json_build_object('sent_us', (extract(epoch from clock_timestamp()) * 1000000)::bigint)::text)"
}

# wait_published [SYSTEM]: Kafka has everything committed so far: the slot is confirmed only up to there.
wait_published() {
    wait_until 20 sql_is "${1:-erp}" "select confirmed_flush_lsn >= '$(dw_marker "${1:-erp}")' from pg_replication_slots
        where slot_name = 'dualwrite_${1:-erp}'" t
}

# wait_caught_up MAP… [--within SECONDS]: everything committed so far on the source has been applied, or set aside. A
# heartbeat of our own goes through the stream behind it to every partition.
wait_caught_up() {
    local maps=() seconds=20 map row system lsn
    while (($#)); do
        case $1 in
            --within) seconds=$2; shift ;;
            *) maps+=("$1") ;;
        esac
        shift
    done
    for map in "${maps[@]}"; do
        row=$(dw_sql state "select source_system, target_system, partitions from dualwrite.map where name = '$map'")
        [[ $row ]] || fail "there is no map $map"
        system=${row%%|*}
        lsn=$(dw_marker "$system")
        wait_until "$seconds" has_passed "$map" "$lsn" "${row##*|}" "$(cut -d '|' -f 2 <<<"$row")"
    done
}

# ---- Kafka ----

# raise_partitions MAP COUNT: by Kafka's own tool, behind our back; returns when the stream has come to it.
raise_partitions() {
    dw_kafka topics --alter --topic "dualwrite.$1" --partitions "$2" >/dev/null
    wait_until 20 has_partitions "$1" "$2"
}
has_partitions() { sql_is state "select partitions from dualwrite.map where name = '$1'" "$2"; }

dw_kafka() { "$dw_servers" kafka --dir "$dw_dir/servers" "$@"; }
# Records of a topic that are there now, one a line: partition, offset, key, value (tab between). While heartbeats come in
# kcat may miss the topic's end and wait for ever: so it is told how many records there are.
dw_records() {
    local partition low high
    for partition in $(kcat -L -J -b "$DW_KAFKA" -t "$1" | jq '.topics[0].partitions[].partition'); do
        low=$(offset_at "$1" "$partition" -2)
        high=$(offset_at "$1" "$partition" -1)
        ((high <= low)) || timeout 60 kcat -C -q -e -b "$DW_KAFKA" -t "$1" -p "$partition" -o "$low" -c $((high - low)) \
            -f '%p\t%o\t%k\t%s\n' -X fetch.message.max.bytes=67108864
    done
}
# Events only: without heartbeats and other control records.
dw_events() { dw_records "dualwrite.$1" | grep -v '"op":"m"' || true; }
# dw_publish TOPIC PARTITION KEY [FILE]: one record; the value from the file, else from standard input.
dw_publish() {
    local file=${4:-$dw_dir/record}
    [[ ${4:-} ]] || cat >"$file"
    kcat -P -b "$DW_KAFKA" -t "$1" -p "$2" -k "$3" -X message.max.bytes=33554432 "$file"
}
offset_at() { kcat -Q -b "$DW_KAFKA" -t "$1:$2:$3" | sed -n 's/.*offset \(-\?[0-9]*\).*/\1/p'; } # -2: first, -1: end
high_watermark() { offset_at "$1" "$2" -1; }

# ---- judging ----

assert_eq() { # ACTUAL EXPECTED [WHAT]
    [[ $1 == "$2" ]] || {
        printf '# expected: %s\n# found:    %s\n' "$2" "$1" >&2
        fail "${3:-values} differ: expected $(head -c 200 <<<"$2" | head -n 1), found $(head -c 200 <<<"$1" | head -n 1)"
    }
}
assert_sql() { assert_eq "$(dw_sql "$1" "$2")" "$3" "${4:-$2}"; } # DATABASE SQL EXPECTED [WHAT]
assert_match() { # TEXT PATTERN [WHAT]: an extended regular expression
    grep -Eq -- "$2" <<<"$1" || {
        printf '# found: %.1000s\n' "$1" >&2
        fail "${3:-text} does not match $2"
    }
}

# assert_same SQL [SQL_OF_CRM]: both databases give the same rows, as text, in whatever order.
assert_same() {
    same_rows "$1" "${2:-$1}" || {
        head -n 12 "$dw_dir/same.diff" | cut -c 1-300 | sed 's/^/# /' >&2
        fail "erp (<) and crm (>) differ in $(grep -c '^[<>]' "$dw_dir/same.diff") rows: $1"
    }
}
same_rows() {
    dw_sql erp "copy ($1) to stdout" | LC_ALL=C sort >"$dw_dir/same.erp"
    dw_sql crm "copy ($2) to stdout" | LC_ALL=C sort >"$dw_dir/same.crm"
    diff "$dw_dir/same.erp" "$dw_dir/same.crm" >"$dw_dir/same.diff"
}
assert_same_tables() { assert_same "select * from $1" "select * from ${2:-$1}"; } # TABLE [TABLE_OF_CRM]

# Promise 5: in every partition the outcomes add up to the records gone through, and none is negative.
assert_counts_balance() {
    assert_sql "${1:-crm}" "select string_agg(format('%s/%s: %s', topic, partition, row(applied, superseded, duplicate, filtered,
            dead, waiting, control, first_offset, next_offset)), '; ') from dualwrite.progress
        where applied + superseded + duplicate + filtered + dead + waiting + control <> next_offset - first_offset
            or least(applied, superseded, duplicate, filtered, dead, waiting, control) < 0" '' 'event counts balance'
    assert_sql "${1:-crm}" "select string_agg(topic || '/' || partition, ', ') from dualwrite.progress p
        where waiting <> (select count(*) from dualwrite.waiting w where (w.topic, w.partition) = (p.topic, p.partition))" '' \
        'the count of waiting rows'
    assert_sql "${1:-crm}" "select string_agg(topic, ', ') from (select topic, sum(dead) as dead from dualwrite.progress group by topic) p
        where dead <> (select count(*) from dualwrite.held h where h.topic = p.topic and outcome is null)
            + (select coalesce(sum(applied + superseded + filtered + discarded), 0) from dualwrite.held_end e where e.topic = p.topic)" '' \
        'dead letters held and ended'
}
# The sum of one count (applied, dead, …) over a map's partitions.
counted() { dw_sql "${3:-crm}" "select coalesce(sum($2), 0) from dualwrite.progress where map = '$1'"; }

# Keeps every change of a target table in test.journal, in order: the effects can be counted.
dw_journal() { # DATABASE TABLE
    dw_sql "$1" "set client_min_messages = warning; create schema if not exists test;
        create table if not exists test.journal (n bigint generated always as identity primary key, relation text not null,
            op text not null, old jsonb, new jsonb, xid xid8 not null default pg_current_xact_id(),
            at timestamptz not null default clock_timestamp());
        create or replace function test.note() returns trigger language plpgsql security definer as \$\$
        begin
            insert into test.journal (relation, op, old, new) values (tg_table_name, tg_op,
                case when tg_op in ('UPDATE', 'DELETE') then to_jsonb(old) end,
                case when tg_op in ('INSERT', 'UPDATE') then to_jsonb(new) end);
            return null;
        end \$\$;
        create or replace function test.note_truncate() returns trigger language plpgsql security definer as \$\$
        begin
            insert into test.journal (relation, op) values (tg_table_name, tg_op);
            return null;
        end \$\$;
        create trigger note after insert or update or delete on $2 for each row execute function test.note();
        create trigger note_truncate after truncate on $2 for each statement execute function test.note_truncate();
        alter table $2 enable always trigger note;
        alter table $2 enable always trigger note_truncate"
}

# Each source row has a column "v" that rises with every change. In the journal it then rises strictly per key: nothing
# was applied twice and nothing out of order. A deleted key begins anew, above what it had.
assert_journal_rises() { # DATABASE TABLE KEY_COLUMN
    assert_sql "$1" "select count(*) || coalesce(': ' || min(format('%s %s after %s', key, v, last)), '') from (
            select coalesce(new, old)->>'$3' as key, (new->>'v')::bigint as v, op, n,
                max((new->>'v')::bigint) over (partition by coalesce(new, old)->>'$3' order by n rows between unbounded preceding and 1 preceding) as last
            from test.journal where relation = '${2##*.}') j
        where op <> 'DELETE' and v <= last" 0 "journal of $2: changes applied twice or out of order"
}

# ---- syncs ----

# order_sync MAP KIND [COLUMN = VALUE]…: orders an initial sync or a re-sync, with the columns of dualwrite.sync.
order_sync() {
    local map=$1 kind=$2 names='' values='' pair
    shift 2
    for pair in "$@"; do
        names+=", ${pair%% = *}" values+=", ${pair#* = }"
    done
    dw_sql state "insert into dualwrite.sync (map, kind, batch, by$names) values ('$map', '$kind', 1, 'test'$values)"
}
syncs_are_done() { sql_is state "select count(*) from dualwrite.sync where state not in ('done', 'cancelled')" 0; }
syncs_are_published() { sql_is state "select count(*) from dualwrite.sync where state in ('waiting', 'running', 'failed')" 0; }

# ---- dead letters ----

letters_are() { sql_is state "select count(*) from dualwrite.dead_letter where state = 'open' and map = '$1'" "$2"; }
# wait_letters MAP COUNT: the reconciler has indexed so many open dead letters of the map.
wait_letters() { wait_until "${3:-15}" letters_are "$1" "$2"; }
