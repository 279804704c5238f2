#!/usr/bin/env bash
# Log lines, health, readiness, metrics, status: one JSON object per line, names that hold, figures that balance.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config '.producer.heartbeat_ms = 200' '.consumer.breaker_percent = 100'
dw_sql erp "create table item (id int primary key, v int not null default 1, size int)"
dw_sql crm "create table item (id int primary key, v int, size int check (size > 0))"
step "not ready before there is anything to be ready for"
dw_start consumer early
sleep 0.5
is_healthy early || fail 'a worker without maps is not healthy'
dw_stop early
step start
dw_start reconciler
dw_map "$(copy_map items public.item id v size)"
has_series() { dw_http reconciler /metrics | grep -qxF "$1"; }
has_series 'dw_dlq_items{map="items",state="open"} 0' || fail 'a map has no dw_dlq_items from the moment it is applied'
dw_start producer
wait_live erp
dw_start consumer
wait_until 15 is_ready producer
wait_until 15 is_ready consumer
wait_until 5 is_ready reconciler
dw_sql erp "insert into item select n, 1, 1 from generate_series(1, 500) n; update item set v = 2 where id <= 100; delete from item where id > 450; insert into item values (1000, 1, -1)"
wait_caught_up items
wait_letters items 1

step "metrics: Prometheus text, the agreed names"
for name in producer consumer reconciler; do
    dw_http "$name" /metrics | sed '$d' >"$dw_dir/$name.metrics"
    assert_eq "$(grep -vE '^(#( HELP| TYPE) [a-zA-Z_:][a-zA-Z0-9_:]* .+|[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\.)*"(,[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\.)*")*\})? (-?[0-9.e+-]+|NaN|\+Inf))$' "$dw_dir/$name.metrics" | head -n 3)" '' "lines of $name's metrics"
    assert_eq "$(grep -v '^#' "$dw_dir/$name.metrics" | sed 's/ [^ ]*$//' | sort | uniq -d | head -n 3)" '' "series of $name given twice"
    for metric in process_resident_memory_bytes process_cpu_seconds_total process_start_time_seconds dw_build_info; do
        grep -q "^$metric" "$dw_dir/$name.metrics" || fail "$name has no $metric"
    done
done
for metric in dw_source_slot_retained_bytes dw_source_confirmed_lsn dw_source_last_commit_timestamp_seconds dw_source_connected dw_events_published_total; do
    grep -q "^$metric" "$dw_dir/producer.metrics" || fail "producer has no $metric"
done
for metric in dw_events_processed_total dw_event_end_to_end_seconds_bucket dw_apply_duration_seconds_bucket dw_consumer_lag_records dw_breaker_state dw_rebalances_total dw_heartbeat_age_seconds; do
    grep -q "^$metric" "$dw_dir/consumer.metrics" || fail "consumer has no $metric"
done
for metric in dw_dlq_items dw_dlq_oldest_timestamp_seconds dw_dlq_indexed_total; do
    grep -q "^$metric" "$dw_dir/reconciler.metrics" || fail "reconciler has no $metric"
done
wait_until 10 has_series 'dw_dlq_items{map="items",state="open"} 1'
oldest=$(dw_metric reconciler 'dw_dlq_oldest_timestamp_seconds{map="items"}')
((${oldest%.*} > 1700000000)) || fail 'no time of the oldest dead letter'

step "what names no map of ours counts without a name"
dw_publish dualwrite.dead-letters 0 strange <<<'{"not": "ours"}'
wait_until 15 has_series 'dw_dlq_items{map="",state="foreign"} 1'

step "counts agree: published, on the topic, processed, in the target"
settled() {
    events=$(dw_events items | wc -l)
    [[ $(dw_metric producer 'dw_events_published_total{map="items"}') -ge $events ]] && dw_sql crm "select sum(applied + superseded + duplicate + filtered + dead) from dualwrite.progress" | grep -qx "$events"
}
wait_until 30 settled
assert_eq "$(dw_metric consumer 'dw_events_processed_total{outcome="applied"}')" "$(counted items applied)" 'applied'
assert_eq "$(dw_metric consumer 'dw_events_processed_total{outcome="dead"}')" 1 'dead'
assert_eq "$(counted items dead)" 1
assert_counts_balance
(($(dw_metric consumer 'dw_event_end_to_end_seconds_count{map="items"}') > 0)) || fail 'no end-to-end times'

step "the states of maps, as metrics and with what to do"
wait_until 10 has_series 'dw_map_state{map="items",state="running"} 1'
has_series 'dw_map_info{map="items",source="erp",target="crm",topic="dualwrite.items",revision="1",partitions="2"} 1' || fail 'dw_map_info'
dw_sql crm "alter table item rename column size to breadth"
dw_sql erp "update item set v = v + 1 where id = 1"
wait_until 20 has_series 'dw_map_state{map="items",state="error"} 1'
has_series 'dw_map_state{map="items",state="running"} 0' || fail 'a map is in two states'
dw_cli status >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'remedy: '
assert_match "$(<"$dw_dir/out")" 'then: dualwrite map resume items'
dw_sql crm "alter table item rename column breadth to size"
dw_cli map resume items >/dev/null
wait_caught_up items

step "status"
wait_until 10 map_is items running
lag_is_none() { dw_cli status --json | jq -e '[.. | objects | select(.map? == "items" or .name? == "items")][0] | .lag_events == 0 or .lag == 0' ; }
wait_until 10 lag_is_none
dw_cli status >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'items .*running'
assert_match "$(<"$dw_dir/out")" 'p50.*p95.*p99|P50.*P95.*P99'

step "a worker that is cut off says so"
dw_server stop kafka
unready() { ! is_ready producer; }
wait_until 40 unready
is_healthy producer || fail 'the producer is not healthy'
dw_server start kafka
wait_until 40 is_ready producer

step "every line of the logs is one JSON object"
for name in producer consumer reconciler early; do
    [[ -s $dw_dir/$name.log ]] || fail "$name wrote no log"
    jq -e 'has("ts") and has("level") and has("event") and has("part") and (.ts | test("^[0-9-]{10}T[0-9:.]+Z$"))' "$dw_dir/$name.log" >"$dw_dir/out" 2>&1 || fail "$name's log: $(grep -m 1 -v true "$dw_dir/out")"
    ! grep -q false "$dw_dir/out" || fail "$name's log has lines without ts, level, event or part"
    ! grep -qF "$(<"$dw_dir/token")" "$dw_dir/$name.log" || fail "$name's log holds the token"
done
