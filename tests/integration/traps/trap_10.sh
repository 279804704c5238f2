#!/usr/bin/env bash
# Trap 10, an unpublishable record: a row larger than its topic takes becomes a dead letter by reference; a topic that is
# gone puts its map in error with a durable gap; the slot and all other maps go on.
. "$(dirname "$0")/../../support/lib.sh"
dw_up
dw_config '.producer.topic_outage_ms = 2000' '.producer.compression = "none"'
schema="create table item (id int primary key, v int not null default 1, body text); create table other (id int primary key, v int not null default 1)"
dw_sql erp "$schema"
dw_sql crm "$schema"
step start
dw_begin "$(copy_map items public.item id v body)" "$(copy_map others public.other id v)"
dw_sql erp "insert into item values (1, 1, 'small'); insert into other values (1)"
wait_caught_up items others
confirmed_past() { sql_is erp "select confirmed_flush_lsn >= '$1' from pg_replication_slots" t; }

step "a row of 2 MB, a topic that takes 1 MB"
dw_kafka configs --alter --entity-type topics --entity-name dualwrite.items --add-config max.message.bytes=1048576 >/dev/null
dw_sql erp "insert into item values (2, 1, repeat('x', 2000000)); insert into item values (3, 1, 'behind it'); insert into other values (2)"
lsn=$(dw_sql erp "select pg_current_wal_lsn()")
wait_caught_up items others
assert_same "select * from item where id <> 2"
assert_same_tables other
wait_letters items 1
assert_sql state "select kind, class, stage, convert_from(key, 'UTF8'), value is null, version <> '', system from dualwrite.dead_letter" \
    'reference|too_large|KAFKA_PRODUCE|{"id":2}|t|t|erp'
wait_until 15 confirmed_past "$lsn"
step "larger than message_max_bytes"
dw_stop producer
jq '.kafka.message_max_bytes = 500000' "$dw_dir/dualwrite.json" >"$dw_dir/x" && mv "$dw_dir/x" "$dw_dir/dualwrite.json"
dw_start producer
dw_sql erp "insert into item values (4, 1, repeat('y', 600000)), (5, 1, 'in the same transaction'); insert into other values (3)"
wait_caught_up items others
wait_letters items 2
assert_same "select * from item where id not in (2, 4)"

step "larger than any buffer of ours: the letter has its key all the same"
dw_sql erp "insert into item values (7, 1, repeat('z', 12000000)); insert into item values (8, 1, 'behind it')"
wait_caught_up items
wait_letters items 3
assert_sql state "select count(*) from dualwrite.dead_letter where convert_from(key, 'UTF8') = '{\"id\":7}' and class = 'too_large'" 1
assert_same "select * from item where id not in (2, 4, 7)"

step "a topic is deleted: that map in error with a gap, the other and the slot go on"
dw_stop consumer
dw_kafka topics --delete --topic dualwrite.items >/dev/null
dw_sql erp "insert into item values (6, 1, 'lost'); insert into other values (4)"
wait_until 40 map_is items error
assert_match "$(map_code items)" '^DW-CAPTURE-03[0-9]$'
assert_sql state "select count(*) > 0 from dualwrite.gap where map = 'items' and closed_at is null" t 'a durable gap'
lsn=$(dw_sql erp "select pg_current_wal_lsn()")
dw_sql erp "insert into other values (5)"
dw_start consumer
wait_caught_up others --within 40
assert_same_tables other
wait_until 20 confirmed_past "$lsn"
assert_match "$(dw_cli status)" 'items'
