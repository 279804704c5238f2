#!/usr/bin/env bash
# REPLICA IDENTITY default, index, full and none.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config
dw_sql erp "create table by_default (id int primary key, v int not null default 1, note text);
    create table by_index (id int primary key, a text not null, b int not null, v int not null default 1, note text);
    create unique index by_index_ab on by_index (a, b);
    alter table by_index replica identity using index by_index_ab;
    create table by_full (id int not null, v int not null default 1, note text);
    create unique index on by_full (id);
    alter table by_full replica identity full;
    create table by_none (id int primary key, v int not null default 1, note text);
    alter table by_none replica identity nothing"
dw_sql crm "create table by_default (id int primary key, v int, note text); create table by_full (id int primary key, v int, note text);
    create table by_none (id int primary key, v int, note text); create table by_index (a text, b int, v int, note text, primary key (a, b))"
step start
dw_begin "$(copy_map defaults public.by_default id v note)" "$(copy_map indexes public.by_index a,b v note)" "$(copy_map fulls public.by_full id v note)"
step "insert, update, key change, delete"
for table in by_default by_full; do
    dw_sql erp "insert into $table (id, note) select n, 'n' || n from generate_series(1, 10) n; update $table set v = 2 where id <= 5; update $table set id = id + 100, v = 3 where id <= 2; delete from $table where id = 3"
done
dw_sql erp "insert into by_index (id, a, b, note) select n, 'a' || n, n % 2, 'n' || n from generate_series(1, 10) n; update by_index set v = 2 where id <= 5;
    update by_index set a = 'moved ' || a, v = 3 where id <= 2; delete from by_index where id = 3; update by_index set id = 900, v = 4 where id = 4"
wait_caught_up defaults indexes fulls
assert_same_tables by_default
assert_same_tables by_full
assert_same "select a, b, v, note from by_index"

step "none: refused, since publishing would break the application's updates"
copy_map nones public.by_none id v note >"$dw_dir/nones.json"
! dw_cli map check "$dw_dir/nones.json" >"$dw_dir/check.out" 2>&1 || fail "map check accepts replica identity nothing"
assert_match "$(<"$dw_dir/check.out")" 'DW-MAP-[0-9]+'
assert_match "$(<"$dw_dir/check.out")" '[Rr]eplica identity|REPLICA IDENTITY'
! dw_cli map apply "$dw_dir/nones.json" --start >/dev/null 2>&1 || fail "map apply accepts replica identity nothing"
dw_sql erp "insert into by_none values (1); update by_none set v = 2"

step "a key that the replica identity does not carry is refused"
copy_map others public.by_index id v >"$dw_dir/others.json"
dw_sql crm "create table by_index_copy (id int primary key, v int)"
jq '.target.table = "public.by_index_copy"' "$dw_dir/others.json" >"$dw_dir/others2.json"
! dw_cli map check "$dw_dir/others2.json" >"$dw_dir/check.out" 2>&1 || fail "map check accepts a key outside the replica identity"
assert_match "$(<"$dw_dir/check.out")" '[Rr]eplica identity|REPLICA IDENTITY'
assert_counts_balance
