#!/usr/bin/env bash
# Trap 14, a letter without a failure: the dead letter is acknowledged, the worker loses its partition before the commit,
# its successor applies the event. The event is applied, and no letter counts.
. "$(dirname "$0")/../../support/lib.sh"
dw_up
dw_config '.kafka.partitions = 1' '.consumer.breaker_percent = 100'
dw_sql erp "create table item (id int primary key, v int not null default 1, size int)"
dw_sql crm "create table item (id int primary key, v int, size int constraint positive check (size > 0))"
step start
dw_begin "$(copy_map items public.item id v size)"
dw_sql erp "insert into item values (1, 1, 1)"
wait_caught_up items
dw_stop consumer
dw_start consumer frozen DW_FAULT=consumer.after_ack_before_commit:stop
wait_until 15 is_ready frozen
dw_sql erp "insert into item values (2, 1, -1), (3, 1, 1)"
step "frozen between acknowledgement and commit"
wait_until 15 is_frozen frozen
assert_eq "$(dw_records dualwrite.dead-letters | wc -l)" 1 'letters on the topic'
assert_sql crm "select count(*) from dualwrite.held" 0
no_session() { sql_is crm "select count(*) from pg_stat_activity where application_name like '%frozen%' and state like 'idle in transaction%'" 0; }
wait_until 15 no_session
dw_sql crm "alter table item drop constraint positive"
step "the successor applies it"
dw_start consumer
wait_caught_up items --within 30
assert_same_tables item
assert_eq "$(counted items dead)" 0
judged() { sql_is state "select count(*) from dualwrite.dead_letter where state in ('void', 'unconfirmed')" 1; }
wait_until 20 judged
assert_sql state "select count(*) from dualwrite.dead_letter where state = 'open'" 0 'letters that count'
dw_continue frozen
sleep 1
dw_sql erp "update item set v = 2"
wait_caught_up items --within 30
assert_same_tables item
assert_eq "$(counted items dead)" 0
assert_counts_balance
