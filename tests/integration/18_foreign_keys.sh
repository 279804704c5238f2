#!/usr/bin/env bash
# Rows whose parent has not arrived wait for it, their key's later events behind them, other keys going on; they are dead
# only when the parent's map has gone past them and the time is over.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config '.consumer.dependency_wait_ms = 2000' '.consumer.breaker_percent = 100'
schema="create table parent (id int primary key, v int not null default 1);
    create table child (id int primary key, v int not null default 1, parent int references parent)"
dw_sql erp "$schema"
dw_sql crm "$schema"
step start
dw_begin "$(copy_map children public.child id v parent)" "$(copy_map parents public.parent id v)"
step "the parent's map is paused: children wait"
dw_cli map pause parents >/dev/null
sleep 1
dw_sql erp "insert into parent select n from generate_series(1, 10) n; insert into child select n, 1, 1 + n % 10 from generate_series(1, 30) n;
    insert into child values (100, 1, null), (101, 1, null); update child set v = 2 where id in (1, 100); delete from child where id = 2; update child set v = 2, parent = null where id = 3"
wait_caught_up children
assert_sql crm "select id, v from child where parent is null and id >= 100 order by id" $'100|2\n101|1' 'rows without a parent'
assert_sql crm "select count(*) > 0 from dualwrite.waiting where map = 'children'" t 'rows wait'
sleep 3
assert_eq "$(counted children dead)" 0 'children that died while the parent map was paused'
step "resumed: all arrive, in order"
dw_cli map resume parents >/dev/null
wait_caught_up parents
settled() { sql_is crm "select count(*) from dualwrite.waiting" 0; }
wait_until 15 settled
assert_same_tables parent
assert_same_tables child
assert_eq "$(counted children dead)" 0
step "a worker killed with rows waiting"
dw_cli map pause parents >/dev/null
sleep 1
dw_sql erp "insert into parent values (50); insert into child values (200, 1, 50); update child set v = 2 where id = 200; insert into child values (201, 1, 1)"
wait_caught_up children
dw_kill consumer
dw_start consumer
dw_cli map resume parents >/dev/null
wait_caught_up parents children
wait_until 15 settled
assert_same_tables child
step "a parent that never comes: dead after the time, with its reason"
dw_sql crm "alter table parent disable trigger all; delete from parent where id = 10; alter table parent enable trigger all; delete from child where parent = 10"
dw_sql erp "insert into child values (300, 1, 10); insert into child values (301, 1, 1)"
wait_letters children 1
assert_sql state "select class, sqlstate, convert_from(key, 'UTF8') from dualwrite.dead_letter where map = 'children'" 'dependency|23503|{"id":300}'
assert_sql crm "select count(*) from child where id = 301" 1
step "a parent deleted before its children: the order of the source is kept"
dw_sql erp "begin; delete from child where parent = 1; delete from parent where id = 1; commit"
wait_caught_up parents children
wait_until 15 settled
assert_sql crm "select (select count(*) from parent where id = 1), (select count(*) from child where parent = 1)" '0|0'
assert_counts_balance
