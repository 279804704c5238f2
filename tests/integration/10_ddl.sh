#!/usr/bin/env bash
# DDL while changes flow: unmapped columns come and go unnoticed; a mapped column dropped or retyped puts that map alone
# in error, with the reason, and nothing is lost when it is mended.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config
schema="create table item (id int primary key, v int not null default 1, note text, size int); create table other (id int primary key, v int not null default 1)"
dw_sql erp "$schema; alter table item add column unmapped text"
dw_sql crm "$schema"
step start
dw_begin "$(copy_map items public.item id v note size)" "$(copy_map others public.other id v)"
dw_sql erp "insert into item values (1, 1, 'a', 1, 'x')"
step "unmapped columns, indexes, other tables"
dw_sql erp "begin; insert into item values (2, 1, 'b', 2, 'x'); alter table item add column late int default 7; insert into item values (3, 1, 'c', 3, 'x', 1); alter table item drop column unmapped;
    insert into item values (4, 1, 'd', 4, 1); commit; create index on item (note); alter table item alter column late type text; update item set v = 2 where id = 1;
    create table fresh (id int); alter table item alter column note set default 'none'; vacuum item" 2>/dev/null || dw_sql erp "update item set v = 2 where id = 1"
wait_caught_up items
assert_same "select id, v, note, size from item" "select * from item"
map_is items running || fail "the map is $(map_state items)"

step "a mapped column dropped: this map in error, the other goes on"
dw_sql erp "update item set v = 3, size = 30 where id = 3"
wait_caught_up items
dw_sql erp "alter table item drop column size; update item set v = 4 where id = 3; insert into other values (1)"
wait_until 15 map_is items error
assert_match "$(map_code items)" '^DW-CAPTURE-[0-9]{3}$'
assert_match "$(dw_sql state "select reason from dualwrite.map where name = 'items'")" 'size'
wait_caught_up others
assert_same_tables other
assert_sql crm "select v, size from item where id = 3" '3|30' "what was written before the change"

step "mended by a new revision: what came meanwhile is applied"
dw_sql erp "insert into item (id, v, note) values (5, 1, 'e')"
dw_map "$(copy_map items public.item id v note | jq '.version = "1.1.0"')"
dw_cli map resume items >/dev/null 2>&1 || true
wait_until 15 map_is items running
wait_caught_up items
assert_same "select id, v, note from item" "select id, v, note from item"

step "a mapped column retyped"
dw_sql erp "alter table item alter column v type bigint; update item set v = 5000000000 where id = 1; update item set v = 6 where id = 2"
wait_until 15 map_is items error
assert_match "$(dw_sql state "select reason from dualwrite.map where name = 'items'")" 'v'
dw_sql crm "alter table item alter column v type bigint"
dw_map "$(copy_map items public.item id v note | jq '.version = "1.2.0"')"
dw_cli map resume items >/dev/null 2>&1 || true
wait_until 15 map_is items running
wait_caught_up items
assert_same "select id, v, note from item" "select id, v, note from item"

step "the table renamed, and back"
dw_sql erp "alter table other rename to moved; alter table moved rename to other; insert into other values (2)"
wait_caught_up others
assert_same_tables other

step "the table dropped and made anew: what it missed is a gap on record, never silence"
dw_sql erp "drop table other; create table other (id int primary key, v int not null default 1); insert into other values (3)"
dw_cli map pause items >/dev/null # the producer looks at the maps
wait_until 15 map_is others error
assert_eq "$(map_code others)" DW-CAPTURE-014
assert_sql state "select count(*) from dualwrite.gap where map = 'others' and code = 'DW-CAPTURE-014' and from_lsn > '0/0' and closed_at is null" 1
dw_cli map resume items >/dev/null
dw_cli map resume others >/dev/null
wait_until 15 map_is others running
dw_sql erp "insert into other values (4)"
wait_caught_up others items
assert_sql crm "select count(*) from other where id = 4" 1 'changes after it is published again'
assert_counts_balance
