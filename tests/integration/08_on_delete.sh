#!/usr/bin/env bash
# on_delete: delete, ignore, or set a column, which a row that is created again must lose (trap 6 has the batch).
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config
dw_sql erp "create table deleted (id int primary key, v int not null default 1); create table ignored (id int primary key, v int not null default 1); create table marked (id int primary key, v int not null default 1)"
dw_sql crm "create table deleted (id int primary key, v int); create table ignored (id int primary key, v int); create table marked (id int primary key, v int, gone text not null default 'live')"
step start
dw_begin "$(copy_map deleted public.deleted id v)" "$(copy_map ignored public.ignored id v | jq '.on_delete = "ignore"')" \
    "$(copy_map marked public.marked id v | jq '.on_delete = { set: "gone", to: "gone", live: "live" }')"
for table in deleted ignored marked; do dw_sql erp "insert into $table select n from generate_series(1, 20) n"; done
wait_caught_up deleted ignored marked
for table in deleted ignored marked; do dw_sql erp "delete from $table where id > 10; update $table set v = 2 where id = 1"; done
wait_caught_up deleted ignored marked
assert_same_tables deleted
assert_sql crm "select count(*), sum(v) from ignored" '20|21'
assert_sql crm "select gone, count(*), sum(v) from marked group by 1 order by 1" $'gone|10|10\nlive|10|11'
assert_sql crm "select sum(filtered) from dualwrite.progress where map = 'ignored'" 10
step "created again"
for table in deleted ignored marked; do dw_sql erp "insert into $table select n, 5 from generate_series(15, 20) n"; done
wait_caught_up deleted ignored marked
assert_same_tables deleted
assert_sql crm "select count(*), sum(v) from ignored" '20|45'
assert_sql crm "select gone, count(*), sum(v) from marked group by 1 order by 1" $'gone|4|4\nlive|16|41'
step "a delete of what the target does not have"
dw_sql crm "delete from deleted where id = 20; delete from marked where id = 20"
dw_sql erp "delete from deleted where id = 20; delete from marked where id = 20"
wait_caught_up deleted marked
assert_same_tables deleted
assert_sql crm "select count(*) from marked where id = 20" 0
assert_sql crm "select sum(dead) from dualwrite.progress" 0
assert_counts_balance
