#!/usr/bin/env bash
# Trap 9, a frozen worker: stopped between merge and commit it holds the progress row; its successor goes on all the same,
# and when it wakes up it changes nothing.
. "$(dirname "$0")/../../support/lib.sh"
dw_up
dw_config '.kafka.partitions = 1'
schema="create table item (id int primary key, v bigint not null default 1)"
dw_sql erp "$schema; create sequence version"
dw_sql crm "$schema"
step start
dw_begin "$(copy_map items public.item id v)"
dw_journal crm item
dw_sql erp "insert into item select n, nextval('version') from generate_series(1, 50) n"
wait_caught_up items
dw_stop consumer
dw_start consumer frozen DW_FAULT=consumer.after_apply:stop
wait_until 15 is_ready frozen
step "frozen between merge and commit"
dw_sql erp "update item set v = nextval('version')"
wait_until 15 is_frozen frozen
dw_sql erp "update item set v = nextval('version') where id <= 25"
step "the successor goes on"
dw_start consumer
wait_caught_up items --within 30
assert_same_tables item
is_frozen frozen || fail 'the frozen worker is not frozen'
step "the frozen one wakes up"
dw_continue frozen
dw_sql erp "update item set v = nextval('version') where id > 25"
wait_caught_up items --within 30
sleep 0.5
assert_same_tables item
assert_journal_rises crm item id
assert_counts_balance
step "it may take part again"
dw_stop consumer
dw_sql erp "update item set v = nextval('version')"
wait_caught_up items --within 30
assert_same_tables item
assert_journal_rises crm item id
