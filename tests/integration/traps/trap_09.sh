#!/usr/bin/env bash
# Trap 9, a frozen worker: stopped between merge and commit it holds the progress row; its successor goes on all the same,
# and when it wakes up it changes nothing.
. "$(dirname "$0")/../../support/lib.sh"
dw_up
# No heartbeats: the first batch that the worker to be frozen gets holds rows, so that its transaction is open.
dw_config '.kafka.partitions = 1' '.producer.heartbeat_ms = 3600000' '.consumer.batch_rows = 10' '.consumer.breaker_percent = 100'
schema="create table item (id int primary key, v bigint not null default 1, note text)"
dw_sql erp "$schema; create sequence version"
dw_sql crm "$schema; alter table item add check (note is distinct from 'bad')"
step start
dw_begin "$(copy_map items public.item id v note)"
dw_journal crm item
dw_sql erp "insert into item select n, nextval('version') from generate_series(1, 50) n"
wait_caught_up items
dw_stop consumer
dw_start consumer frozen DW_FAULT=consumer.after_apply:stop
wait_until 15 is_ready frozen
step "frozen between merge and commit"
dw_sql erp "update item set v = nextval('version')"
wait_until 15 is_frozen frozen
assert_sql crm "select count(*) from pg_stat_activity where application_name like '%frozen%' and state = 'idle in transaction'" 1 'open transactions of the frozen worker'
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

step "frozen between two batches, the next already in memory: it finds its place taken"
dw_stop frozen
dw_start consumer sleeper DW_FAULT=consumer.after_commit:stop
wait_until 15 is_ready sleeper
last=$(dw_sql erp "select last_value from version")
dw_sql erp "update item set v = nextval('version')"
wait_until 15 is_frozen sleeper
assert_sql crm "select count(*) filter (where v > $last) between 1 and 49 from item" t 'one batch of the update is written'
dw_start consumer
dw_sql erp "update item set v = nextval('version')"
wait_caught_up items --within 30
assert_same_tables item
dw_continue sleeper
dw_sql erp "update item set v = nextval('version') where id <= 5"
wait_caught_up items --within 30
sleep 0.5
assert_same_tables item
assert_journal_rises crm item id
assert_counts_balance

step "frozen in the middle of what it sends behind the fence: no time-out of the server's ends that"
dw_stop sleeper
dw_stop consumer
dw_start consumer halfway DW_FAULT=writer.part_half_sent:stop
wait_until 15 is_ready halfway
dw_sql erp "update item set v = nextval('version'), note = repeat('x', 3000) where id <> 10; update item set note = 'bad' where id = 10"
wait_until 15 is_frozen halfway
assert_sql crm "select state, wait_event from pg_stat_activity where application_name like '%halfway%' and state <> 'idle'" 'active|ClientRead'
dw_start consumer
wait_caught_up items --within 40
assert_same "select * from item where id <> 10"
dw_continue halfway
dw_sql erp "update item set v = nextval('version') where id <= 5"
wait_caught_up items --within 30
sleep 0.5
assert_same "select * from item where id <> 10"
assert_journal_rises crm item id
assert_counts_balance

step "frozen in the middle of rows that it copies straight into the table: their keys are locked, the progress row is not"
dw_stop halfway
dw_stop consumer
# Few rows in hand are staged; a backlog makes batches that are copied.
dw_sql erp "insert into item select n, nextval('version'), repeat('y', 300) from generate_series(1001, 4000) n"
wait_published
dw_start consumer copying DW_FAULT=writer.copy_half_sent:stop DW_CONSUMER_BATCH_ROWS=1000
wait_until 15 is_frozen copying
assert_sql crm "select state, wait_event, left(query, 20) from pg_stat_activity where application_name like '%copying%' and state <> 'idle'" 'active|ClientRead|COPY "public"."item"'
dw_start consumer
wait_caught_up items --within 40
assert_same "select * from item where id <> 10"
dw_continue copying
dw_sql erp "update item set v = nextval('version') where id > 1990"
wait_caught_up items --within 30
sleep 0.5
assert_same "select * from item where id <> 10"
assert_journal_rises crm item id
assert_counts_balance
