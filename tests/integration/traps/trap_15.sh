#!/usr/bin/env bash
# Trap 15, marks that hide new facts: in the transactions that a consumer writes, a trigger writes other mapped rows and
# rewrites ours, and a third system waits for the rows themselves. Only the echo itself is dropped, and only on its way back.
. "$(dirname "$0")/../../support/lib.sh"
dw_up
dw_sql db "create database dwh"
schema="create table item (id int primary key, v int not null default 1, note text)"
dw_sql erp "$schema; create table remark (id int primary key, note text)"
dw_sql dwh "$schema"
dw_sql crm "$schema; create table remark (id int primary key, note text);
    create function remark() returns trigger language plpgsql as \$\$ begin
        insert into public.remark values (new.id, 'seen ' || new.v) on conflict (id) do update set note = excluded.note; return null; end \$\$;
    create trigger remark after insert or update on item for each row execute function remark();
    alter table item enable always trigger remark;
    create function rewrite() returns trigger language plpgsql as \$\$ begin
        if new.note = 'rewrite me' then new.note := 'rewritten'; end if; return new; end \$\$;
    create trigger rewrite before insert or update on item for each row execute function rewrite();
    alter table item enable always trigger rewrite"
dw_config ".systems.dwh = { connection: \"$(dw_url dwh)\" }" '.systems.crm.capture = true' '.systems.erp.capture = true'
map() { # NAME SOURCE TARGET TABLE COLUMN…
    copy_map "$1" "public.$4" id "${@:5}" | jq ".source.system = \"$2\" | .target.system = \"$3\""
}
step start
dw_start reconciler
for map in "$(map there erp crm item v note)" "$(map back crm erp item v note)" "$(map on crm dwh item v note)" "$(map remarks crm erp remark note)"; do dw_map "$map"; done
dw_start producer
dw_start producer producer_crm -- --system crm
dw_start consumer
wait_live erp
wait_live crm
events() { dw_events "$1" | wc -l; }
step "A to B: the third system and the trigger's table get it, the way back does not"
dw_sql erp "insert into item values (1, 1, 'a'), (2, 1, 'b'); update item set v = 2 where id = 1; insert into item values (3, 1, 'c')"
wait_caught_up there
dw_sql erp "delete from item where id = 3"
wait_caught_up there
wait_caught_up back on remarks
assert_same_tables item
assert_eq "$(dw_sql dwh "select * from item order by 1")" "$(dw_sql erp "select * from item order by 1")" 'the third system'
assert_sql erp "select * from remark order by 1" $'1|seen 2\n2|seen 1\n3|seen 1'
assert_eq "$(events back)" 0 'echoes published'
step "B's own changes go to A, and do not come back"
there=$(events there)
dw_sql crm "insert into item values (10, 1, 'from crm'); update item set note = 'changed in crm' where id = 1"
wait_caught_up back on
wait_caught_up there
assert_same_tables item
assert_eq "$(events there)" "$there" 'echoes published'
step "a row that a trigger rewrote is a new fact"
dw_sql erp "update item set note = 'rewrite me', v = 3 where id = 2"
wait_caught_up there
wait_caught_up back
wait_caught_up there
assert_sql erp "select note from item where id = 2" rewritten
assert_same_tables item
before=$(($(events there) + $(events back)))
sleep 2
assert_eq $(($(events there) + $(events back))) "$before" 'the row goes in circles'
assert_sql crm "select sum(dead) from dualwrite.progress" 0
assert_counts_balance
