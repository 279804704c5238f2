#!/usr/bin/env bash
# start, pause, resume, stop and a new revision reach running processes without a restart, also over a kill.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config
schema="create table item (id int primary key, v int not null default 1, note text); create table other (id int primary key, v int not null default 1)"
dw_sql erp "$schema"
dw_sql crm "$schema"
step start
dw_begin "$(copy_map items public.item id v)" "$(copy_map others public.other id v)"
dw_sql erp "insert into item values (1, 1, 'a'); insert into other values (1)"
wait_caught_up items others
assert_sql crm "select * from item" '1|1|'

step "paused: published, not applied; the other map goes on"
dw_cli map pause items >/dev/null
map_is items paused || fail "the map is $(map_state items)"
sleep 1
dw_sql erp "update item set v = 2; insert into item values (2, 1, 'b'); insert into other values (2)"
wait_caught_up others
assert_sql crm "select count(*) from other" 2
assert_sql crm "select v from item" 1
published() { (($(dw_events items | wc -l) >= 3)); }
wait_until 10 published
step "still paused after the worker was killed"
dw_kill consumer
dw_start consumer
dw_sql erp "insert into other values (3)"
wait_caught_up others
assert_sql crm "select v from item" 1
step resumed
dw_cli map resume items >/dev/null
assert_sql state "select string_agg(event || ' ' || state, ',' order by id) from (select * from dualwrite.map_history where map = 'items' and event in ('pause', 'resume')) h" \
    'pause paused,resume catching_up' 'history'
wait_caught_up items
assert_sql crm "select id, v from item order by 1" $'1|2\n2|1'

step "a new revision"
dw_map "$(copy_map items public.item id v note | jq '.version = "2.0.0"')"
assert_sql state "select revision from dualwrite.map where name = 'items'" 2
wait_until 15 map_is items running # it has caught up after the pause
changed() {
    dw_sql erp "update item set v = v + 1, note = 'new' where id = 1"
    sleep 0.3
    sql_is crm "select note from item where id = 1" new
}
wait_until 10 changed

step "apply --wait returns when the new revision is in force"
copy_map items public.item id v note | jq '.version = "3.0.0" | .columns |= map(if .target == "note" then . + { default_when_null: "none" } else . end)' >"$dw_dir/items.json"
dw_cli map apply "$dw_dir/items.json" --wait >/dev/null
dw_sql erp "update item set v = v + 1, note = null where id = 1"
wait_caught_up items
assert_sql crm "select note from item where id = 1" none
dw_kill consumer
code=0
jq '.version = "4.0.0"' "$dw_dir/items.json" >"$dw_dir/items4.json"
dw_cli map apply "$dw_dir/items4.json" --wait 2 >"$dw_dir/out" 2>&1 || code=$?
assert_eq "$code" 1 'exit code of --wait without a worker'
assert_match "$(<"$dw_dir/out")" 'DW-API-023'
dw_start consumer

step "stopped: nothing is published"
dw_cli map stop items >/dev/null
wait_caught_up others
sleep 0.5
before=$(dw_events items | wc -l)
dw_sql erp "update item set v = 100 where id = 2; insert into other values (4)"
wait_caught_up others
assert_eq "$(dw_events items | wc -l)" "$before" 'events of a stopped map'
step "started again"
dw_cli map start items --no-sync >/dev/null
map_is items running || fail "the map is $(map_state items)"
wait_live
dw_sql erp "update item set v = 200 where id = 2"
arrived() { sql_is crm "select v from item where id = 2" 200; }
wait_until 15 arrived

step "list, show, exit codes"
assert_match "$(dw_cli map list)" 'items.*running'
dw_cli map list --json | jq -e 'tostring | test("items") and test("others")' >/dev/null || fail 'map list --json'
dw_cli map show items --json | jq -e 'tostring | test("public.item")' >/dev/null || fail 'map show --json'
! dw_cli map pause nosuchmap >"$dw_dir/out" 2>&1 || fail 'a map that is not there was paused'
assert_match "$(<"$dw_dir/out")" 'nosuchmap'
assert_counts_balance
