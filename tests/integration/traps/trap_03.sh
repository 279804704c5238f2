#!/usr/bin/env bash
# Trap 3, waiting by the clock: the parent's map is paused longer than children may wait: none dies. A child whose parent
# is gone for good is settled by its own delete, queued behind it.
. "$(dirname "$0")/../../support/lib.sh"
dw_up
dw_config '.consumer.dependency_wait_ms = 1500' '.consumer.breaker_percent = 100'
schema="create table parent (id int primary key, v int not null default 1); create table child (id int primary key, v int not null default 1, parent int references parent)"
dw_sql erp "$schema"
dw_sql crm "$schema"
step start
dw_begin "$(copy_map children public.child id v parent)" "$(copy_map parents public.parent id v)"
pause_map parents
step "the parents' map paused for twice the wait"
dw_sql erp "insert into parent select n from generate_series(1, 100) n; insert into child select n, 1, 1 + n % 100 from generate_series(1, 2000) n"
wait_caught_up children
sleep 3
assert_eq "$(counted children dead)" 0 'children that died'
assert_sql crm "select count(*) from dualwrite.waiting" 2000
step "a parent that goes again: the child and its later version wait, its delete settles both"
dw_sql erp "insert into parent values (500); insert into child values (5000, 1, 500)"
wait_caught_up children
dw_sql erp "update child set v = 2 where id = 5000"
wait_caught_up children
assert_sql crm "select count(*) from dualwrite.waiting" 2002
dw_sql erp "delete from child where id = 5000; delete from parent where id = 500"
wait_caught_up children
dw_cli map resume parents >/dev/null
settled() { sql_is crm "select count(*) from dualwrite.waiting" 0; }
wait_caught_up parents
wait_until 15 settled
assert_same_tables parent
assert_same_tables child
assert_eq "$(counted children dead)" 0 'children that died'
assert_counts_balance
step "parents of two maps in one table: the clock waits for both"
dw_sql erp "create table company (id int primary key, v int not null default 1); create table person (id int primary key, v int not null default 1); create table deal (id int primary key, v int not null default 1, kind text, party int)"
dw_sql crm "create table party (kind text, id int, v int, primary key (kind, id)); create table deal (id int primary key, v int, kind text, party int, foreign key (kind, party) references party)"
for kind in company person; do
    dw_map "$(copy_map $kind public.$kind id v | jq '.target.table = "public.party" | .target.key = ["kind", "id"] | .columns += [{ target: "kind", default: .map }] | .on_truncate = "ignore"')"
done
dw_map "$(copy_map deals public.deal id v kind party)"
for paused in company person; do
    dw_cli map pause $paused >/dev/null
    sleep 1
    dw_sql erp "insert into company values (${#paused}); insert into person values (${#paused}); insert into deal values (${#paused}, 1, '$paused', ${#paused})"
    wait_caught_up deals
    sleep 3
    assert_eq "$(counted deals dead)" 0 "deals that died while the map $paused was paused"
    dw_cli map resume $paused >/dev/null
    wait_until 15 settled
done
assert_same_tables deal
assert_counts_balance
