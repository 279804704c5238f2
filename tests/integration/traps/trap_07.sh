#!/usr/bin/env bash
# Trap 7, TRUNCATE over partitions: one partition is held before it reaches the truncate; the other waits, and nothing
# behind the truncate is applied before it, nor anything removed that comes after it.
. "$(dirname "$0")/../../support/lib.sh"
dw_up
# No heartbeats: a batch of one in front of the truncate would wait for the row that is held.
dw_config '.consumer.session_timeout_ms = 15000' '.producer.heartbeat_ms = 3600000'
schema="create table item (id int primary key, v int not null default 1)"
dw_sql erp "$schema"
dw_sql crm "$schema"
step start
dw_begin "$(copy_map items public.item id v)"
dw_start consumer second
dw_journal crm item
dw_sql erp "insert into item select n from generate_series(1, 100) n"
wait_caught_up items
assert_same_tables item
step "partition 0 held by a lock on its progress row"
dw_session holder crm
dw_say holder "begin; select 1 from dualwrite.progress where partition = 0 for update" >/dev/null
dw_sql erp "update item set v = 2; truncate item; insert into item select n, 3 from generate_series(50, 150) n"
arrived() { sql_is crm "select string_agg(partition::text, ',') from dualwrite.barrier where not done" 1; }
wait_until 15 arrived
assert_sql crm "select count(*) > 0 from test.journal where new->>'v' = '2'" t 'what comes before the truncate is applied'
sleep 0.5
assert_sql crm "select count(*) from test.journal where op = 'TRUNCATE'" 0 'truncated before all partitions had reached it'
assert_sql crm "select count(*) from item where v = 3" 0 'rows behind the truncate applied before it'
step "let go"
dw_hush holder
wait_caught_up items
assert_same_tables item
assert_sql crm "select count(*) from test.journal where op = 'TRUNCATE'" 1
assert_sql crm "select count(*) from test.journal j where op <> 'TRUNCATE' and new->>'v' = '3' and n < (select n from test.journal where op = 'TRUNCATE')" 0
step "killed while it waits at the barrier"
dw_session holder crm
dw_say holder "begin; select 1 from dualwrite.progress where partition = 0 for update" >/dev/null
dw_sql erp "update item set v = 4; truncate item; insert into item values (1, 5), (2, 5), (3, 5), (4, 5)"
wait_until 15 arrived
dw_kill consumer
dw_kill second
dw_start consumer
dw_hush holder
# Each of the two that died may be counted in for a session time-out of its own.
wait_caught_up items --within 70
assert_same_tables item
truncated() { sql_is crm "select count(*) from test.journal where op = 'TRUNCATE'" "$1"; }
truncated 2 || fail 'the second truncate did not take effect once'
step "killed behind the truncate, before its progress is written"
dw_session holder crm
dw_say holder "begin; select 1 from dualwrite.progress where partition = 0 for update" >/dev/null
dw_sql erp "truncate item; insert into item select n, 6 from generate_series(1, 20) n"
wait_until 15 truncated 3
dw_kill consumer
dw_start consumer
dw_hush holder
# Each of the two that died may be counted in for a session time-out of its own.
wait_caught_up items --within 70
assert_same_tables item
truncated 3 || fail 'the third truncate took effect again'
assert_counts_balance
