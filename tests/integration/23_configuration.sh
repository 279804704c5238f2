#!/usr/bin/env bash
# Mistakes in dualwrite.json and in what it points to: a message that names file, place, what was found and what is
# allowed, and an exit code; an outage at start is waited for instead.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config
good=$(<"$dw_dir/dualwrite.json")
refused() { # PATTERN [KIND] [VAR=VALUE]: the program ends with a code above 0 and says so
    local kind=${2:-consumer} code=0
    timeout 20 env "${@:3}" "$dw_bin/dualwrite-$kind" --config "$dw_dir/dualwrite.json" --instance x \
        $([[ $kind != producer ]] || printf -- '--system %s' "${system:-erp}") >"$dw_dir/out" 2>&1 || code=$?
    ((code > 0 && code < 124)) || fail "$kind ended with $code instead of refusing: $1"
    assert_match "$(<"$dw_dir/out")" "$1"
}
with() { jq "$1" <<<"$good" >"$dw_dir/dualwrite.json"; }
step "the file"
rm "$dw_dir/dualwrite.json"
refused 'DW-CONFIG-001.*dualwrite\.json|dualwrite\.json.*DW-CONFIG-001'
printf '{\n  "kafka": {,\n' >"$dw_dir/dualwrite.json"
refused 'dualwrite\.json:2'
with '.kafka.brokerz = "x"'; refused 'kafka\.brokerz.*|.*brokers'
assert_match "$(<"$dw_dir/out")" 'DW-CONFIG-003'
with '.kafka.partitions = "four"'; refused 'kafka\.partitions'
with '.kafka.partitions = 0'; refused 'kafka\.partitions.*1'
with '.producer.compression = "rar"'; refused 'zstd'
with 'del(.kafka.brokers)'; refused 'kafka\.brokers'
with 'del(.reconciler.token_file)'; refused 'reconciler\.token' reconciler
with '.reconciler.token = "x"'; refused 'DW-CONFIG-007|token' reconciler
with '.reconciler.token_file = "nowhere"'; refused 'nowhere' reconciler
with '.kafka.properties = { "no.such": "1" }'; refused 'no\.such'
with '.consumer.listen = "x"'; refused 'listen'
with .; refused 'DW_CONSUMER_BATCH_ROWS|batch_rows' consumer DW_CONSUMER_BATCH_ROWS=none
with .; system=nosuch refused 'nosuch' producer
! "$dw_bin/dualwrite-producer" --config "$dw_dir/dualwrite.json" >"$dw_dir/out" 2>&1 || fail 'a producer without --system starts'
assert_match "$(<"$dw_dir/out")" '--system'
! "$dw_bin/dualwrite-consumer" --nonsense >"$dw_dir/out" 2>&1 || fail 'an unknown option is taken'
step "what it points to"
dw_sql erp "create role lame login password 'lame'"
dw_sql erp 'create database bare' # nobody was there before
login='(DW-PG-002.*state database|state database.*DW-PG-002)'
for kind in consumer producer reconciler; do
    step "$kind: what the state database refuses at the start"
    with ".state.connection = \"$(dw_url state nobody)\""; refused "$login" "$kind"
    with ".state.connection = \"$(dw_url state lame | sed 's/lame:lame/lame:wrong/')\""; refused "$login" "$kind"
    assert_eq "$(grep -c wrong "$dw_dir/out" || true)" 0 'a password in the log'
    with ".state.connection = \"$(dw_url nowhere)\""; refused "$login" "$kind"
    assert_match "$(<"$dw_dir/out")" 'nowhere.* does not exist'
    with ".state.connection = \"$(dw_url bare lame)\""; refused 'permission denied for database bare' "$kind"
done
step "what the source refuses at the start"
with ".systems.erp.connection = \"$(dw_url erp lame)\""; refused 'REPLICATION|replication' producer
with ".systems.erp.connection = \"$(dw_url nowhere)\""; refused 'system erp.*nowhere' producer
step "what worked once is tried again"
dw_sql state "create role keeper superuser login password 'keeper'"
with ".state.connection = \"$(dw_url state keeper)\""
for kind in consumer producer reconciler; do dw_start "$kind"; done
for kind in consumer producer reconciler; do wait_until 30 is_ready "$kind"; done
dw_sql state "alter role keeper password 'other'; select pg_terminate_backend(pid) from pg_stat_activity where usename = 'keeper'" >/dev/null
for kind in consumer producer reconciler; do wait_until 20 grep -q 'password authentication failed' "$dw_dir/$kind.log"; done
for kind in consumer producer reconciler; do is_alive "$kind" || fail "the $kind ended when its password was changed"; done
dw_sql state "alter role keeper password 'keeper'"
wait_until 20 sql_is state "select count(distinct application_name) >= 3 from pg_stat_activity where usename = 'keeper'" t
for kind in consumer producer reconciler; do wait_until 20 is_ready "$kind"; dw_stop "$kind"; done
step "an address in use"
with .
dw_start reconciler
refused "${dw_ports[reconciler]}" reconciler
dw_stop reconciler
step "environment over file, help, version, reference"
DW_CONSUMER_LANES=7 "$dw_bin/dualwrite-consumer" --help | grep -q lanes || fail '--help does not name an option'
"$dw_bin/dualwrite-consumer" --version | grep -Eq '[0-9]+\.[0-9]+' || fail '--version'
step "servers that are not there yet are waited for"
dw_server stop kafka
dw_start consumer late
dw_start producer waiting
sleep 2
is_alive late || fail 'the worker did not wait for Kafka'
is_alive waiting || fail 'the producer did not wait for Kafka'
dw_server start kafka
wait_until 30 is_healthy late
wait_until 30 is_ready waiting
dw_stop late
dw_stop waiting
