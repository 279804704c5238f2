#!/usr/bin/env bash
# Trap 16, foreign topics: on a topic that Debezium wrote, LSNs are not in commit order. Nothing is dropped for that.
. "$(dirname "$0")/../../support/lib.sh"
dw_up
dw_config '.kafka.partitions = 1' '.producer.heartbeat_ms = 600000'
schema="create table item (id int primary key, v int not null default 1, note text, price numeric(10, 2), raw bytea, at timestamptz)"
dw_sql erp "$schema"
dw_sql crm "$schema"
step start
dw_begin "$(copy_map items public.item id v note price raw at)"
wait_caught_up items
dw_stop producer
debezium() { # OP LSN SEQUENCE BEFORE AFTER
    printf '{"before":%s,"after":%s,"source":{"version":"3.3.1.Final","connector":"postgresql","name":"erp","ts_ms":1700000000000,"snapshot":"false","db":"erp","sequence":%s,"ts_us":1700000000000000,"schema":"public","table":"item","txId":77,"lsn":%s,"xmin":null},"transaction":null,"op":"%s","ts_ms":1700000000001}' "$4" "$5" "$3" "$2" "$1"
}
publish() { kcat -P -b "$DW_KAFKA" -t dualwrite.items -p 0 -k "$1"; }
row() { printf '{"id":%s,"v":%s,"note":"%s","price":"1.50","raw":"AP9c","at":"2024-01-01T00:00:00.000001Z"}' "$1" "$2" "$3"; }
step "events with LSNs that fall, as they come with concurrent transactions"
debezium c 5000 '"[\"4000\",\"5000\"]"' null "$(row 1 1 a)" | publish '{"id":1}'
debezium c 3000 '"[\"6000\",\"3000\"]"' null "$(row 2 1 b)" | publish '{"id":2}'
debezium u 3100 '"[\"6000\",\"3100\"]"' null "$(row 1 2 a2)" | publish '{"id":1}'
debezium u 2000 '"[\"7000\",\"2000\"]"' null "$(row 2 2 b2)" | publish '{"id":2}'
debezium c 2100 '"[\"7000\",\"2100\"]"' null "$(row 3 1 c)" | publish '{"id":3}'
debezium d 1000 '"[\"8000\",\"1000\"]"' '{"id":3,"v":0,"note":null,"price":null,"raw":null,"at":null}' null | publish '{"id":3}'
kcat -P -b "$DW_KAFKA" -t dualwrite.items -p 0 -k '{"id":3}' -Z /dev/null
printf '{"schema":{"type":"struct"},"payload":%s}' "$(debezium c 900 '"[\"9000\",\"900\"]"' null "$(row 4 1 enveloped)")" | publish '{"schema":{"type":"struct"},"payload":{"id":4}}'
debezium u 800 '"[\"9100\",\"800\"]"' null '{"id":4,"v":2,"note":"__debezium_unavailable_value","price":"2.00","raw":null,"at":null}' | publish '{"id":4}'
arrived() { sql_is crm "select string_agg(concat_ws(' ', id, v, note, price), ', ' order by id) from item" '1 2 a2 1.50, 2 2 b2 1.50, 4 2 enveloped 2.00'; }
wait_until 15 arrived
assert_sql crm "select raw, at at time zone 'UTC' from item where id = 1" '\x00ff5c|2024-01-01 00:00:00.000001'
assert_eq "$(counted items dead)" 0
assert_counts_balance
