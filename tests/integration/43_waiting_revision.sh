#!/usr/bin/env bash
# Rows that wait for their parents while a new revision comes: they are written by the new one, and what their events lack by
# it is read again. So the target is as the newest revision has it, whatever was killed in between, and nothing dies of it.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config '.producer.heartbeat_ms = 200' '.consumer.dependency_wait_ms = 20000'
dw_sql erp <<'SQL'
create table parent (id int primary key, v int not null default 1);
create table child (id int primary key, p int not null, v int not null default 1, kind text default 'a', note text default 'n', extra text not null);
alter table child replica identity full
SQL
dw_sql crm <<'SQL'
create table parent (id int primary key, v int);
create table child (id int primary key, p int not null references parent, v int, note text, extra text, rev text)
SQL
children() { copy_map children public.child id p v "${@:2}" | jq --arg n "$1" '.version = $n + ".0.0" | .columns += [{ target: "rev", default: $n }]'; }
waiting() { sql_is crm "select count(*) from dualwrite.waiting where map = 'children'" "$1"; }
step start
dw_begin "$(copy_map parents public.parent id v)" "$(children 1 note)"
dw_sql erp "insert into parent values (1); insert into child (id, p, extra) select n, 1, 'x' || n from generate_series(1, 10) n"
wait_caught_up parents children
assert_sql crm "select count(*) from child where rev = '1' and note = 'n'" 10

step "rows wait, and a revision comes that has another column and a filter"
pause_map parents
dw_sql erp "insert into parent values (2), (3)"
dw_sql erp "insert into child (id, p, extra, kind) select n, 2, 'x' || n, case n % 5 when 0 then 'b' else 'a' end from generate_series(11, 30) n; update child set p = 3, v = 2 where id in (1, 11)"
wait_until 20 waiting 22
children 2 extra | jq '.source.filter = "kind eq '"'a'"'"' >"$dw_dir/children.json"
dw_cli map apply "$dw_dir/children.json" >/dev/null
wait_live
dw_sql erp "update child set v = v + 1 where id in (2, 12, 13); update child set kind = 'b' where id in (3, 14); delete from child where id = 16; insert into child (id, p, extra) values (40, 3, 'x40')"
in_force() { sql_is crm "select string_agg(distinct revision::text, ',') from dualwrite.progress where map = 'children'" 2; }
wait_until 20 in_force
assert_sql crm "select count(*) > 5 from dualwrite.waiting where map = 'children'" t
step "the worker is killed and another goes on"
dw_kill consumer
dw_start consumer other
step "the parents come"
dw_cli map resume parents >/dev/null
wait_until 30 waiting 0
settled() { waiting 0 && syncs_are_done && same_rows "select id, p, v, extra from child where kind = 'a' and (id > 10 or id in (1, 2))" "select id, p, v, extra from child where id > 10 or id in (1, 2)"; }
wait_until 30 settled
assert_sql crm "select count(*) from child where id > 10 and (rev <> '2' or note is not null)" 0
# Rows that no event came for are as they were; one that left the filter is gone.
assert_sql crm "select string_agg(id::text, ',' order by id) from child where rev = '1' and note = 'n'" 4,5,6,7,8,9,10
assert_sql crm "select sum(dead) from dualwrite.progress" 0
assert_counts_balance

step "a row that waits and is outside of the new revision's filter, which keeps what leaves it: it ends as filtered"
waiting_kept() { sql_is crm "select count(*) from dualwrite.waiting where map = 'kept'" "$1"; }
dw_sql erp 'create table kept (id int primary key, p int not null, v int not null default 1, kind text); alter table kept replica identity full'
dw_sql crm 'create table kept (id int primary key, p int not null references parent, v int)'
dw_map "$(copy_map kept public.kept id p v)"
pause_map parents
dw_sql erp "insert into kept values (1, 1, 1, 'b'), (2, 1, 1, 'a')"
wait_caught_up kept
dw_sql erp "insert into parent values (5); insert into kept select n, 5, 1, case when n % 2 = 0 then 'a' else 'b' end from generate_series(11, 30) n;
    update kept set p = 5, v = 2 where id <= 2"
wait_until 20 waiting_kept 22
copy_map kept public.kept id p v | jq '.version = "2.0.0" | .source.filter = "kind eq '"'a'"'" | .on_filter_exit = "keep"' >"$dw_dir/kept.json"
dw_cli map apply "$dw_dir/kept.json" >/dev/null
wait_live
wait_caught_up kept
dw_sql erp "update kept set v = 3 where id in (12, 13)"
dw_cli map resume parents >/dev/null
wait_until 60 waiting_kept 0
wait_until 15 syncs_are_done
assert_sql crm "select sum(dead) from dualwrite.progress" 0 'rows outside of the filter are no dead letters'
assert_same "select id, p, v from kept where kind = 'a'" "select id, p, v from kept where id <> 1"
assert_sql crm "select p, v from kept where id = 1" '1|1'
assert_counts_balance
