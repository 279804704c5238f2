#!/usr/bin/env bash
# A large value that an update leaves alone is not in the change: the target keeps what it has, and is never nulled.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config
schema="create table doc (id int primary key, v int not null default 1, body text, other text, extra bytea);
    alter table doc alter column body set storage external, alter column other set storage external, alter column extra set storage external;
    create table wide (id int primary key, v int not null default 1, body text);
    alter table wide alter column body set storage external"
dw_sql erp "$schema; alter table wide replica identity full"
dw_sql crm "$schema"
step start
dw_begin "$(copy_map docs public.doc id v body other extra)" "$(copy_map wides public.wide id v body)"
dw_sql erp "insert into doc select n, 1, repeat('body ' || n, 2000), repeat('other ' || n, 1500), decode(repeat(md5(n::text), 300), 'hex') from generate_series(1, 20) n;
    insert into wide select n, 1, repeat('body ' || n, 2000) from generate_series(1, 5) n"
wait_caught_up docs wides
assert_same_tables doc

step "left out of the event"
dw_sql erp "update doc set v = 2 where id <= 10"
wait_caught_up docs
assert_same_tables doc
assert_eq "$(dw_events docs | grep -c '"v":2')" 10 'updates published'
assert_eq "$(dw_events docs | grep '"v":2' | grep -c '"body"' || true)" 0 'unchanged large values in events'

step "some columns change, some do not, in one batch and transaction"
dw_sql erp "begin; update doc set body = 'short', v = 3 where id = 1; update doc set v = 4 where id = 1; update doc set other = null, v = 5 where id = 1; commit;
    update doc set extra = decode(repeat('ab', 9000), 'hex'), v = 3 where id = 2; update doc set v = 4 where id = 2;
    update doc set body = null, other = null, extra = null, v = 3 where id = 3; update doc set v = 4 where id = 3;
    update doc set body = '', v = 3 where id = 4"
wait_caught_up docs
assert_same_tables doc

step "deleted and re-created without the values"
dw_sql erp "begin; delete from doc where id = 5; insert into doc (id, v) values (5, 9); commit; begin; delete from doc where id = 6; insert into doc (id, v, body) values (6, 9, 'b'); update doc set v = 10 where id = 6; commit"
wait_caught_up docs
assert_same_tables doc

step "a changed key: with replica identity full the values come along"
dw_sql erp "update wide set id = id + 100, v = 2 where id <= 2"
wait_caught_up wides
assert_same_tables wide

dw_journal crm doc
step "a changed key without: the row is read again, and never there without its value"
dw_sql erp "update doc set id = 107, v = 3 where id = 7; update doc set v = 4 where id = 107; update doc set id = 108, v = 5 where id = 8; delete from doc where id = 108"
wait_caught_up docs
nothing_waits() { sql_is crm "select count(*) from dualwrite.waiting" 0; }
wait_until 20 nothing_waits
assert_same_tables doc
assert_sql crm "select count(*) from test.journal where new->>'body' is null and new->>'id' in ('107', '108')" 0 'rows without their value'
assert_sql crm "select sum(dead) from dualwrite.progress" 0 'dead letters'

step "a row that the target has lost"
dw_sql crm "delete from doc where id = 107"
dw_sql erp "update doc set v = 6 where id = 107"
wait_caught_up docs
wait_until 20 nothing_waits
assert_same_tables doc

step "many rows that the target has not, more than may wait at a time: all are read again, and nothing stands still or dies"
dw_sql erp "create table mass (id int primary key, v int not null default 1, body text); alter table mass alter column body set storage external;
    insert into mass select n, 1, repeat('body ' || n, 500) from generate_series(1, 4000) n"
dw_sql crm "create table mass (id int primary key, v int not null default 1, body text)"
dw_map "$(copy_map masses public.mass id v body)"
dw_sql erp "update mass set v = 2; update mass set v = 3 where id % 2 = 0"
wait_caught_up masses --within 60
wait_until 60 nothing_waits
wait_until 60 syncs_are_done
wait_caught_up masses --within 60
assert_same_tables mass
dw_stop consumer
dw_config '.consumer.waiting_rows_max = 100'
dw_start consumer
dw_sql crm "delete from mass where id <= 2000"
dw_sql erp "update mass set v = 4"
wait_caught_up masses --within 60
wait_until 60 nothing_waits
wait_until 60 syncs_are_done
wait_caught_up masses --within 60
assert_same_tables mass
assert_sql crm "select sum(dead) from dualwrite.progress" 0 'dead letters'
assert_counts_balance

step "while no row can be read again it waits no longer than it may, then it is a dead letter that says so"
dw_stop consumer
dw_sql erp "update doc set id = 109, v = 7 where id = 9"
published() { dw_events docs | grep -q '"id":109,"v":7'; }
wait_until 10 published
dw_stop producer
dw_config '.consumer.dependency_wait_ms = 1000' '.consumer.breaker_percent = 100'
dw_start consumer
wait_letters docs 1 30
assert_sql state "select class from dualwrite.dead_letter where map = 'docs'" incomplete
assert_counts_balance
