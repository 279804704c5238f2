#!/usr/bin/env bash
# A row that the application has locked in the target holds up its own map alone, though one thread with one connection
# serves both maps; and its map goes on when the lock is gone.
. "$(dirname "$0")/../support/lib.sh"
dw_up
# A lock wait as long as a session may be silent would last 200 s here.
dw_config '.consumer.lanes = 1' '.consumer.session_timeout_ms = 300000'
schema="create table item (id int primary key, v int not null default 1); create table other (id int primary key, v int not null default 1)"
dw_sql erp "$schema"
dw_sql crm "$schema"
step start
dw_begin "$(copy_map items public.item id v)" "$(copy_map others public.other id v)"
dw_journal crm item
dw_sql erp "insert into item select n from generate_series(1, 20) n; insert into other select n from generate_series(1, 20) n"
wait_caught_up items others
step "the application locks every row of one table"
dw_session holder crm
dw_say holder "begin; select count(*) from (select 1 from item for update) r" >/dev/null
dw_sql erp "update item set v = 2"
waits_for_lock() { sql_is crm "select count(*) > 0 from pg_stat_activity where wait_event_type = 'Lock' and application_name like 'dualwrite-consumer%'" t; }
wait_until 20 waits_for_lock
for n in {1..10}; do
    dw_sql erp "update other set v = v + 1"
    wait_caught_up others
done
assert_same_tables other
assert_sql crm "select count(*) from item where v = 2" 0 'applied through a lock'
step "let go"
dw_hush holder
wait_caught_up items
assert_same_tables item
assert_journal_rises crm item id
assert_counts_balance
