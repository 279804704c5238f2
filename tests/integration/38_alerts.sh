#!/usr/bin/env bash
# A map that stands alerts long before Kafka would remove its changes, a source before it drops the slot: in the status, as
# a metric, in the log; the alert goes when somebody acts.
. "$(dirname "$0")/../support/lib.sh"
dw_up --pg erp:max_slot_wal_keep_size=80MB
dw_config '.producer.heartbeat_ms = 200' '.kafka.partitions = 1' '.consumer.queue_bytes = 65536'
schema="create table item (id int primary key, v int not null default 1)"
dw_sql erp "$schema"
dw_sql crm "$schema"
step start
dw_begin "$(copy_map items public.item id v)"
dw_sql erp "insert into item values (1)"
wait_caught_up items
level_is() { [[ $(dw_cli status --json | jq -r --arg name "$1" '[.alerts[] | select(.alert == $name) | .level] | join(",")') == "$2" ]]; }
metric_is() { [[ $(dw_metric reconciler "dw_alert{alert=\"$1\",object=\"$2\"}") == "$3" ]]; }
wait_until 10 metric_is retention items 0
level_is retention '' || fail 'an alert without a reason'

step "a paused map nears the retention, which somebody else has set for its topic"
retention() { dw_kafka configs --alter --entity-type topics --entity-name dualwrite.items --add-config "$1" >/dev/null; }
retention retention.ms=24000
pause_map items
dw_sql erp "update item set v = 2"
wait_until 30 level_is retention warning
assert_match "$(dw_cli status)" 'remedy: dualwrite map resume items'
assert_match "$(dw_cli status)" "the topic's retention.ms"
wait_until 30 level_is retention critical
wait_until 10 metric_is retention items 2
logged() { grep '"event":"alert"' "$dw_dir/reconciler.log" | grep -c "\"alert_level\":\"$1\"" || true; }
assert_eq "$(logged '[a-z]*warning')" 1 'the warning is logged once'
wait_until 30 level_is retention lost
assert_match "$(dw_cli status)" 'dualwrite map resync items --delete-extra --yes'
step "resumed, the alert goes"
dw_cli map resume items >/dev/null
wait_until 20 level_is retention ''
wait_until 10 metric_is retention items 0
assert_sql crm "select v from item" 2

step "where bytes bound the topic, what is kept counts"
retention retention.ms=-1,retention.bytes=1048576
pause_map items
dw_sql crm "select json_build_object('version', 1, 'partitions', json_agg(json_build_object('topic', topic, 'partition', partition,
    'offset', greatest(next_offset - 2, 0)))) from dualwrite.progress where map = 'items'" >"$dw_dir/offsets.json"
dw_kafka delete-records --offset-json-file "$dw_dir/offsets.json" >/dev/null
dw_sql erp "update item set v = 3"
wait_until 30 level_is retention critical
assert_match "$(dw_cli status)" "retention.bytes, 1 MiB a partition.* is not applied"
dw_cli map resume items >/dev/null
wait_until 20 level_is retention ''
assert_sql crm "select v from item" 3

step "retention overtakes a worker in the middle of its reading: a named gap, and it goes on when told to"
retention retention.bytes=-1
dw_session holder crm
dw_say holder "begin; select v from item for update" >/dev/null
dw_sql erp "do \$\$ begin for n in 1..20000 loop update item set v = 4 + n; end loop; end \$\$"
wait_published
jq -n --argjson high "$(high_watermark dualwrite.items 0)" '{version: 1, partitions: [{topic: "dualwrite.items", partition: 0, offset: $high}]}' >"$dw_dir/offsets.json"
dw_kafka delete-records --offset-json-file "$dw_dir/offsets.json" >/dev/null
dw_hush holder
overtaken() { map_is items error; }
wait_until 60 overtaken
assert_eq "$(map_code items)" DW-APPLY-201
dw_cli map resume items >/dev/null
dw_sql erp "update item set v = 3"
wait_caught_up items
assert_same_tables item

step "Kafka is away, the source's WAL nears the limit of the slot"
level_is wal_limit '' || fail 'an alert without a reason'
dw_server kill kafka
for ((i = 0; i < 4; i++)); do dw_sql erp "select pg_logical_emit_message(false, 'test', 'x'); select pg_switch_wal()" >/dev/null; done
wal_alerts() { level_is wal_limit warning || level_is wal_limit critical; }
wait_until 30 wal_alerts
assert_match "$(dw_cli status)" 'more WAL and the source drops the slot'
(($(dw_metric producer dw_source_wal_safe_bytes) > 0)) || fail 'dw_source_wal_safe_bytes'
step "Kafka is back: the slot moves on"
dw_server start kafka
moved() {
    dw_sql erp "checkpoint; update item set v = v + 1" >/dev/null
    level_is wal_limit ''
}
wait_until 90 moved
wait_caught_up items --within 60
assert_same_tables item
