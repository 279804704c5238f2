#!/usr/bin/env bash
# A worker of hundreds of partitions lets its fetches wait, here for 50 seconds: who is resumed, added or given over by
# another worker does not wait for them, because a record in PREFIX.fetch.bell ends them. Where that topic is refused, the
# worker asks more often instead, and says so.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config '.kafka.partitions = 450' '.kafka.properties = {"fetch.wait.max.ms": "50000"}' '.consumer.queue_bytes = 1048576'
for name in item later; do
    for database in erp crm; do dw_sql "$database" "create table $name (id int primary key, v text)"; done
done
arrived() { sql_is crm "select count(*) from $1" "$2"; }

step "partitions start beside fetches that wait"
dw_start reconciler
dw_map "$(copy_map items public.item id v)"
dw_start producer
wait_live
is_made() { [[ $(high_watermark dualwrite.items "$1") == [0-9]* ]]; }
for partition in 0 150 300 449; do wait_until 60 is_made "$partition"; done
dw_start consumer
dw_sql erp "insert into item select n, 'first' from generate_series(1, 2000) n"
wait_until 40 arrived item 2000
grep -q '"fetch.bell"' "$dw_dir/consumer.log" && fail 'the worker may not ring'
(($(offset_at dualwrite.fetch.bell 0 -1) > 1)) || fail 'nobody has rung'

step "a map that was paused goes on"
pause_map items
dw_sql erp "insert into item select n, 'while it was paused' from generate_series(2001, 2600) n"
dw_cli map resume items >/dev/null
wait_until 30 arrived item 2600

step "a map that is added begins"
copy_map laters public.later id v >"$dw_dir/laters.json"
dw_cli map apply "$dw_dir/laters.json" --start --no-sync >/dev/null
wait_until 60 is_live erp
dw_sql erp "insert into later select n, 'later' from generate_series(1, 50) n"
wait_until 40 arrived later 50

step "rows that do not fit into the queues: partitions are paused and resumed"
dw_sql erp "insert into item select n, repeat('much', 2000) from generate_series(3001, 4500) n"
wait_until 40 arrived item 4100

step "a worker goes, another comes"
dw_start consumer other
wait_until 30 is_ready other
dw_sql erp "update item set v = 'both of them'"
wait_until 40 sql_is crm "select count(*) from item where v <> 'both of them'" 0
dw_stop consumer
dw_sql erp "update item set v = 'one of them'"
wait_until 40 sql_is crm "select count(*) from item where v <> 'one of them'" 0

step "the bell's topic is cut back"
dw_kafka topics --delete --topic dualwrite.fetch.bell >/dev/null
dw_stop other
dw_start consumer
dw_sql erp "update item set v = 'a new bell'"
wait_until 40 sql_is crm "select count(*) from item where v <> 'a new bell'" 0
assert_same_tables item
assert_same_tables later
assert_counts_balance
