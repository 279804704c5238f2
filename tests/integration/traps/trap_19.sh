#!/usr/bin/env bash
# Trap 19, a re-sync that never deletes: rows that were deleted while the slot was gone stay in the target, unless the re-sync
# also walks the target's keys. A row that was deleted can also be re-synced alone.
. "$(dirname "$0")/../../support/lib.sh"
dw_up
dw_config '.producer.heartbeat_ms = 200' '.producer.sync_chunk_rows = 50'
dw_sql erp "create table item (id numeric, company text, v int not null default 1, primary key (id, company))"
dw_sql crm "create table entry (source text, company text collate \"C\", number numeric, v int, primary key (source, number, company))"
step start
map='{"map": "items", "version": "1.0.0",
    "source": {"system": "erp", "table": "public.item", "key": ["id", "company"]},
    "target": {"system": "crm", "table": "public.entry", "key": ["source", "number", "company"]},
    "columns": [{"target": "source", "default": "erp"}, {"source": "v", "target": "v"}]}'
dw_begin "$map"
dw_sql crm "insert into entry values ('other', 'x', 1, 5), ('other', 'x', 2, 5)"
dw_sql erp "insert into item select n, 'c' || n % 3, 1 from generate_series(1, 400) n"
wait_caught_up items
same() { assert_same "select id, company, v from item" "select number, company, v from entry where source = 'erp'"; }
same
step "the slot is gone, rows come and go"
dw_stop producer
dw_sql erp "select pg_drop_replication_slot('dualwrite_erp')" >/dev/null
dw_sql erp "delete from item where id % 4 = 0; update item set v = 2 where id % 5 = 1; insert into item select n, 'new', 3 from generate_series(401, 450) n"
dw_start producer producer -- --accept-gap
wait_live
step "a re-sync without looking for extra rows leaves them"
order_sync items resync
wait_until 20 syncs_are_published
wait_caught_up items
assert_sql crm "select count(*) from entry where source = 'erp' and number <= 400 and number % 4 = 0" 100 'rows that the source has not any more'
step "one that looks for them, under load"
load() { for ((i = 1; i <= 40; i++)); do dw_sql erp "delete from item where id = $i; insert into item values (4 * $i, 'back', $i) on conflict do nothing; update item set v = v + 1 where id % 40 = $i"; done; }
load &
order_sync items resync "delete_extra = true"
wait_until 30 syncs_are_published
wait $!
wait_caught_up items
same
assert_sql crm "select count(*) from entry where source = 'other'" 2 'rows that the map does not own'
assert_sql state "select rows_deleted between 60 and 120 from dualwrite.sync order by id desc limit 1" t 'rows counted as deleted'
step "one key that is gone, one that differs"
dw_sql crm "insert into entry values ('erp', 'c0', 99999, 1); update entry set v = 77 where source = 'erp' and number = 450"
order_sync items resync "keys = '[[\"99999\", \"c0\"], [\"450\", \"new\"]]'"
wait_until 20 syncs_are_published
wait_caught_up items
same
assert_counts_balance
