#!/usr/bin/env bash
# A row that the application has locked in the target holds up its own map alone, though one thread with one connection
# serves both maps; so does a table that is to be truncated while the application uses it. The map goes on when the lock is
# gone.
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
the_other_goes_on() {
    local n
    for n in {1..10}; do
        dw_sql erp "update other set v = v + 1"
        wait_caught_up others
    done
    assert_same_tables other
}
waits_for_lock() { sql_is crm "select count(*) > 0 from pg_stat_activity where wait_event_type = 'Lock' and application_name like 'dualwrite-consumer%'" t; }
wait_until 20 waits_for_lock
the_other_goes_on
assert_sql crm "select count(*) from item where v = 2" 0 'applied through a lock'
step "let go"
dw_say holder rollback
wait_caught_up items
assert_same_tables item
assert_journal_rises crm item id
assert_counts_balance

step "a table in use is to be truncated"
dw_say holder "begin; select count(*) from item" >/dev/null
dw_sql erp "truncate item; insert into item select n, 7 from generate_series(5, 15) n"
wait_until 20 waits_for_lock
the_other_goes_on
assert_sql crm "select count(*) from item where v = 7" 0 'applied before the truncate'
(($(dw_sql crm "select count(*) from item") == 20)) || fail 'truncated under a transaction that uses the table'
assert_match "$(grep partition.retry "$dw_dir/consumer.log" | tail -n 1)" 'TRUNCATE of public.item' 'what the log says of it'
step "let go again"
dw_hush holder
wait_caught_up items
assert_same_tables item
assert_sql crm "select count(*) from test.journal where op = 'TRUNCATE'" 1 'truncated once'
assert_sql crm "select sum(dead) from dualwrite.progress" 0
assert_counts_balance

step "a table that always has a transaction on it, longer than a lock is waited for at first"
readers=()
for _ in {1..6}; do
    for _ in {1..60}; do dw_sql crm "begin; select count(*) from item; select pg_sleep(1.5)"; done >/dev/null 2>&1 &
    readers+=($!)
    sleep 0.25
done
dw_sql erp "truncate item; insert into item values (1, 8)"
wait_caught_up items --within 60
kill "${readers[@]}"
wait "${readers[@]}" 2>/dev/null || true
assert_same_tables item
assert_counts_balance
