#!/usr/bin/env bash
# A missing privilege, table or column of the target pauses that map with the reason; no event dies of it; resume goes on.
. "$(dirname "$0")/../support/lib.sh"
dw_up
schema="create table item (id int primary key, v int not null default 1, note text); create table other (id int primary key, v int not null default 1)"
dw_sql erp "$schema"
dw_sql crm "$schema; create role writer login password 'writer'; grant create on database crm to writer; grant select, insert, update, delete, truncate on item, other to writer"
dw_sql db "select 1" >/dev/null
dw_config ".systems.crm.connection = \"$(dw_url crm writer)\""
step start
dw_begin "$(copy_map items public.item id v note)" "$(copy_map others public.other id v)"
dw_sql erp "insert into item values (1); insert into other values (1)"
wait_caught_up items others
assert_same_tables item

breaks() { # WHAT BREAK MEND PATTERN
    local n
    step "$1"
    dw_sql crm "$2"
    n=$((RANDOM + 100))
    dw_sql erp "update item set v = v + 1 where id = 1; insert into item values ($n, 1, 'x'); update other set v = v + 1"
    wait_until 15 map_is items error
    assert_match "$(map_code items)" '^DW-[A-Z]+-[0-9]{3}$'
    assert_match "$(dw_sql state "select reason from dualwrite.map where name = 'items'")" "$4"
    wait_caught_up others
    assert_same_tables other
    dw_sql crm "$3"
    dw_cli map resume items >/dev/null
    wait_caught_up items
    assert_same "select id, v, note from item"
    assert_eq "$(counted items dead)" 0 'dead letters'
}
breaks "a privilege is revoked" "revoke insert, update on item from writer" "grant insert, update on item to writer" 'item'
breaks "the table is gone" "alter table item rename to hidden" "alter table hidden rename to item" 'item'
breaks "a column is gone" "alter table item rename note to remark" "alter table item rename remark to note" 'note'
breaks "the unique index is gone" "alter table item drop constraint item_pkey" "alter table item add primary key (id)" '(unique|ON CONFLICT|constraint)'
step "the same, found at the start of a worker"
dw_stop consumer
dw_sql crm "revoke all on item from writer"
dw_sql erp "update item set v = v + 1; update other set v = v + 1"
dw_start consumer
wait_until 15 map_is items error
wait_caught_up others
dw_sql crm "grant select, insert, update, delete on item to writer"
dw_cli map resume items >/dev/null
wait_caught_up items
assert_same_tables item
assert_counts_balance
