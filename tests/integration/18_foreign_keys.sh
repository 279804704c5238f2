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

step "many rows without a parent cost the target few failed statements, not some for each"
refusals() { grep -c 'violates foreign key' "$dw_dir/servers/pg-db/server.log" || true; }
pause_map parents
before=$(refusals)
dw_sql erp "insert into parent select n from generate_series(1001, 1100) n"
for n in {1..20}; do
    dw_sql erp "insert into child select 1000 + $n * 10 + i, 1, 1000 + ($n * 10 + i) % 100 + 1 from generate_series(0, 9) i; insert into child values (5000 + $n, 1, 2);
        update child set v = v + 1 where id between 1000 + $n * 10 and 1004 + $n * 10 or id = 5000 + $n"
done
wait_caught_up children
assert_sql crm "select count(*) from dualwrite.waiting where map = 'children'" 300
assert_sql crm "select count(*) from child where id > 5000 and v = 2" 20 'rows whose parent is there go on'
found=$(($(refusals) - before))
((found < 60)) || fail "$found failed statements for 340 events"
step "the parents come, and one is deleted by its own later event"
dw_sql erp "delete from child where id = 1015"
dw_cli map resume parents >/dev/null
wait_caught_up parents children
wait_until 15 settled
assert_same "select * from child where id >= 1000"
assert_sql crm "select count(*) from child where id = 1015" 0

step "keys of several columns, of other types, with names to quote; the foreign key is dropped while rows wait for it"
dw_sql erp 'create table head ("Firm" varchar(9), no int, primary key ("Firm", no)); create table line (id int primary key, "Firm" text, no bigint, v int not null default 1)'
dw_sql crm 'create table head ("Firm" varchar(9), no int, primary key ("Firm", no)); create table line (id int primary key, "Firm" text, no bigint, v int, foreign key ("Firm", no) references head)'
dw_map "$(copy_map heads public.head Firm,no)"
dw_map "$(copy_map lines public.line id Firm no v)"
pause_map heads
before=$(refusals)
dw_sql erp "insert into head select chr(39) || n, n from generate_series(1, 30) n"
for n in {1..15}; do dw_sql erp "insert into line values ($n, chr(39) || $n, $n), (100 + $n, chr(39) || $n, null), (200 + $n, chr(39) || $n, $n + 15)"; done
wait_caught_up lines
assert_sql crm "select count(*) from dualwrite.waiting where map = 'lines'" 30
assert_sql crm "select count(*) from line where id between 101 and 115" 15 'rows without a whole key'
found=$(($(refusals) - before))
((found < 25)) || fail "$found failed statements for 45 events"
assert_match "$(dw_sql crm "select string_agg(reason, ' ') from dualwrite.waiting where map = 'lines'")" 'waits for rows of public.head: foreign key constraint "line_Firm_no_fkey": there is no row with Firm = .*[0-9].* and no = .1.'
dw_sql crm 'alter table line drop constraint "line_Firm_no_fkey"'
lines_wait() { sql_is crm "select count(*) from dualwrite.waiting where map = 'lines'" "$1"; }
wait_until 20 lines_wait 0
assert_same_tables line
assert_eq "$(counted lines dead)" 0
dw_cli map resume heads >/dev/null
assert_counts_balance
