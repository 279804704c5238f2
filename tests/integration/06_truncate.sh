#!/usr/bin/env bash
# TRUNCATE: takes effect in its place between the other changes, over all partitions; or is ignored, as the map says.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config '.kafka.partitions = 4' '.consumer.dependency_wait_ms = 2000'
schema="create table a (id int primary key, v int not null default 1); create table b (id int primary key, v int not null default 1); create table kept (id int primary key, v int not null default 1)"
dw_sql erp "$schema"
dw_sql crm "$schema; create table note (id int primary key, b int references b)"
step start
dw_begin "$(copy_map a public.a id v)" "$(copy_map b public.b id v)" "$(copy_map kept public.kept id v | jq '.on_truncate = "ignore"')"
dw_journal crm a
dw_sql erp "insert into a select n from generate_series(1, 500) n; insert into b select n from generate_series(1, 50) n; insert into kept select n from generate_series(1, 50) n"
wait_caught_up a b kept
assert_same_tables a
step "truncate, then rows again"
dw_sql erp "truncate a; insert into a select n, 2 from generate_series(400, 700) n"
wait_caught_up a
assert_same_tables a
step "in one transaction, two tables, before and behind it rows"
dw_sql erp "begin; insert into a select n, 3 from generate_series(1000, 1100) n; truncate a, b; insert into a values (1, 4), (1050, 4); insert into b values (7, 4); commit"
wait_caught_up a b
assert_same_tables a
assert_same_tables b
assert_sql crm "select count(*) from test.journal where op = 'TRUNCATE'" 2 'truncates of the target'
step "many truncates, with rows between"
for n in 1 2 3 4; do dw_sql erp "truncate a; insert into a select n, 10 + $n from generate_series(1, 40) n"; done
wait_caught_up a
assert_same_tables a
step ignored
dw_sql erp "truncate kept; insert into kept values (1000)"
wait_caught_up kept
assert_sql crm "select count(*) from kept" 51
assert_sql crm "select sum(dead) from dualwrite.progress" 0
assert_counts_balance
step "refused for good by a table that no map empties: the map is paused with the reason, nothing is lost"
dw_sql crm "insert into note select 1, min(id) from b"
dw_sql erp "truncate b; insert into b values (70), (71), (72), (73)"
wait_until 20 map_is b error
assert_match "$(dw_sql state "select reason from dualwrite.map where name = 'b'")" 'TRUNCATE.*foreign key'
dw_sql erp "update a set v = v + 1"
wait_caught_up a
assert_same_tables a
dw_sql crm "delete from note"
dw_cli map resume b >/dev/null
wait_caught_up b
assert_same_tables b
assert_counts_balance
