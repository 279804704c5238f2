#!/usr/bin/env bash
# Trap 6, on_delete "set a column", then created again, in one batch and in two: the flag is gone.
. "$(dirname "$0")/../../support/lib.sh"
dw_up
dw_config
dw_sql erp "create table item (id int primary key, v int not null default 1)"
dw_sql crm "create table item (id int primary key, v int, gone boolean)"
step start
dw_begin "$(copy_map items public.item id v | jq '.on_delete = { set: "gone", to: true, live: false }')"
dw_sql erp "insert into item select n from generate_series(1, 10) n"
wait_caught_up items
assert_sql crm "select count(*) from item where gone is not false" 0
step "in two batches"
dw_sql erp "delete from item where id <= 4"
wait_caught_up items
assert_sql crm "select count(*) from item where gone" 4
dw_sql erp "insert into item select n, 2 from generate_series(1, 2) n"
wait_caught_up items
assert_sql crm "select string_agg(id::text, ',' order by id) from item where gone" 3,4
step "in one batch"
pause_map items
dw_sql erp "delete from item where id in (5, 6); insert into item values (5, 3), (3, 3); delete from item where id = 5; insert into item values (5, 4); begin; delete from item where id = 7; insert into item values (7, 3); commit"
wait_published
dw_cli map resume items >/dev/null
wait_caught_up items
assert_sql crm "select string_agg(id::text, ',' order by id) from item where gone" 4,6
assert_same "select id, v from item" "select id, v from item where not gone"
assert_counts_balance
