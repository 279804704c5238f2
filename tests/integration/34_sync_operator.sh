#!/usr/bin/env bash
# What an operator does with copies of rows while they run: pause, resume, rate, cancel; re-syncs of a key, of a range and
# of a system, which closes the gap that a lost slot leaves; rows deleted only when confirmed; mistakes are named.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config '.producer.heartbeat_ms = 200' '.producer.sync_chunk_rows = 50'
schema="create table item (company text, id int, v int not null default 1, primary key (company, id));
    create table line (id int primary key, company text, item int, v int not null default 1, foreign key (company, item) references item)"
dw_sql erp "$schema; insert into item select 'c' || n % 2, n, 1 from generate_series(1, 1000) n; insert into line select n, 'c' || n % 2, n from generate_series(1, 300) n; analyze"
dw_sql crm "$schema"
step start
dw_start reconciler
copy_map items public.item company,id v >"$dw_dir/items.json"
copy_map lines public.line id company item v >"$dw_dir/lines.json"
dw_start producer
dw_start consumer
dw_cli map apply "$dw_dir"/{lines,items}.json --start --wait >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'items: done, 100.0 %, 1,000 rows'
assert_match "$(<"$dw_dir/out")" 'lines: done, 100.0 %, 300 rows'
assert_same_tables item
assert_same_tables line
running() { map_is items running && map_is lines running; }
wait_until 20 running

step "rate, pause, resume and cancel while it runs"
dw_sql crm "delete from line; delete from item"
dw_cli map resync items --rate 100 --json >"$dw_dir/out"
id=$(jq .batch "$dw_dir/out")
rows() { dw_cli sync show "$id" --json | jq .rows_done; }
moves() { (($(rows) > ${1:-0})); }
wait_until 20 moves
dw_cli sync pause "$id" >/dev/null
sleep 1.5
before=$(rows)
sleep 1
assert_eq "$(rows)" "$before" 'rows copied while the sync is paused'
dw_sql erp "update item set v = 2 where id = 999"
wait_caught_up items
assert_sql crm "select v from item where id = 999" 2 'live changes while the sync is paused'
assert_match "$(dw_cli sync list)" "$id +items +resync +paused"
dw_cli sync resume "$id" >/dev/null
wait_until 20 moves "$before"
dw_cli sync show "$id" >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" "sync $id of map items: running"
assert_match "$(<"$dw_dir/out")" 'RANGE +PART'
dw_cli sync rate "$id" 100000 --json | jq -e '.rate == 100000' >/dev/null || fail 'sync rate'
wait_until 30 syncs_are_done
assert_same_tables item
code=0
dw_cli sync pause "$id" >/dev/null 2>"$dw_dir/err" || code=$?
assert_eq "$code" 1 'a sync that is over'
assert_match "$(<"$dw_dir/err")" 'DW-STATE-012'
! dw_cli sync show 4711 2>"$dw_dir/err" || fail 'a sync that is not there'
assert_match "$(<"$dw_dir/err")" 'DW-STATE-011'
dw_cli map resync lines --rate 20 >/dev/null

step "a dry run of an order says what would become of it, and changes nothing"
id=$(dw_sql state 'select max(id) from dualwrite.sync')
wait_until 10 sql_is state "select state from dualwrite.sync where id = $id" running
held() { dw_sql state "select string_agg(to_jsonb(s)::text || m.state || m.change || (select max(id) from dualwrite.audit_log), '; ' order by m.name)
    from dualwrite.map m left join (select id, map, state, rate from dualwrite.sync where id = $id) s on s.map = m.name"; }
before=$(held)
says() { # TEXT COMMAND…
    dw_cli "${@:2}" --dry-run >"$dw_dir/out"
    assert_match "$(<"$dw_dir/out")" "$1"
}
says "sync $id would be paused; its map goes on" sync pause "$id"
says "sync $id would go on" sync resume "$id"
says "sync $id would be cancelled; its map goes on without the rows that are missing" sync cancel "$id"
says "sync $id would copy at most 7 rows/s" sync rate "$id" 7
says "sync $id would have no limit" sync rate "$id" 0
says 'lines: would be paused: changes are kept in Kafka' map pause lines --wait
says 'lines: would be stopped: changes made until it is started again are missed' map stop lines
assert_match "$(<"$dw_dir/out")" '1 sync would be cancelled'
says 'lines: already running' map resume lines
code=0
dw_cli sync cancel 4711 --dry-run 2>"$dw_dir/err" || code=$?
assert_eq "$code" 1 'a dry run of what cannot be done'
assert_match "$(<"$dw_dir/err")" 'DW-STATE-011'
assert_eq "$(held)" "$before" 'what a dry run has changed'

step "cancelled"
dw_cli sync cancel "$(dw_sql state 'select max(id) from dualwrite.sync')" >/dev/null
wait_until 10 syncs_are_done
assert_match "$(dw_cli sync list)" 'no syncs'
assert_match "$(dw_cli sync list --all --map lines)" 'lines +resync +cancelled'
assert_sql state "select state from dualwrite.map where name = 'lines'" running 'the map of a re-sync that was cancelled'

step "keys as objects and arrays, a range"
dw_cli map resync lines --wait >/dev/null
dw_sql crm "update item set v = 77 where id in (10, 11, 500, 501, 502, 503)"
dw_cli map resync items --key '{"id": 10, "company": "c0"}' --key '["c1", 11]' --wait >/dev/null
assert_sql crm "select string_agg(id::text, ',' order by id) from item where v = 77" 500,501,502,503
dw_cli map resync items --from '["c0", 500]' --to '{"company": "c0", "id": 502}' --wait >/dev/null
assert_sql crm "select string_agg(id::text, ',' order by id) from item where v = 77" 501,503
dw_cli map resync items --on-existing keep --wait >/dev/null
assert_sql crm "select string_agg(id::text, ',' order by id) from item where v = 77" 501,503
dw_cli map resync items --wait >/dev/null
assert_same_tables item

step "mistakes are named and order nothing"
ordered=$(dw_sql state "select count(*) from dualwrite.sync")
refused() { # CODE PATTERN ARGUMENT…
    local expected=$1 pattern=$2 code=0
    shift 2
    dw_cli "$@" >"$dw_dir/out" 2>"$dw_dir/err" || code=$?
    assert_eq "$code" "$expected" "exit code of $*"
    assert_match "$(<"$dw_dir/err")" "$pattern" "$*"
}
refused 1 'lacks the column id.*company, id' map resync items --key '["c0"]'
refused 1 'name is no key column' map resync items --key '{"name": 1}'
refused 2 'no JSON' map resync items --key 'c0,1'
refused 1 'a key cannot be one of item: .*invalid input syntax for type integer: "x"' map resync items --key '["c0", "x"]'
refused 1 'a key cannot be one of item: .*out of range' map resync items --key '["c0", 1]' --key '["c0", 99999999999]' --dry-run
refused 1 'a key cannot be one of item: .*"y"' map resync items --from '["c0", 1]' --to '["c0", "y"]'
refused 2 'go together' map resync items --from '["c0", 1]'
refused 2 'of one map' map resync items lines --key '[1]'
refused 1 'DW-STATE-004' map resync nosuch
refused 1 'there is no map from system nosuch' system resync nosuch
refused 1 'DW-API-025' map resync items --delete-extra
refused 1 'DW-API-025' map start items --delete-extra
refused 2 'number' sync rate 1 fast
dw_cli map stop lines >/dev/null
refused 1 'is stopped and cannot re-sync' map resync lines
dw_cli map resync items --delete-extra --dry-run >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'items: would be copied again: all rows'
assert_match "$(<"$dw_dir/out")" 'would be deleted'
dw_cli map resync items --key '["c0", 2]' --key '["c0", 4]' --dry-run >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'items: would be copied again: 2 keys'
assert_sql state "select count(*) from dualwrite.sync" "$ordered"

step "a map that was stopped: started with --delete-extra, its gap closes"
dw_sql erp "delete from line where id <= 50; update line set v = 5 where id > 250"
dw_cli map start lines --delete-extra --yes --wait >/dev/null
assert_same_tables line
assert_sql state "select count(*) from dualwrite.gap where closed_at is null" 0
assert_sql state "select count(*) from dualwrite.gap where code = 'DW-STATE-007' and closed_at is not null" 1
wait_until 20 running

step "the slot is lost: the status names one command, and that closes the gap"
dw_stop producer
dw_sql erp "select pg_drop_replication_slot('dualwrite_erp')" >/dev/null
dw_sql erp "delete from line where id between 51 and 60; delete from item where id = 700; insert into item values ('new', 1, 9); update item set v = 3 where id = 800"
dw_start producer producer -- --accept-gap
wait_live
gap_is_open() { (($(dw_sql state "select count(*) from dualwrite.gap where closed_at is null") > 0)); }
wait_until 10 gap_is_open
dw_cli status >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'dualwrite system resync erp --delete-extra --yes'
dw_cli status --json | jq -e '.gaps | length > 0 and all(.remedy == "dualwrite system resync erp --delete-extra --yes")' >/dev/null || fail 'the remedy in status --json'
dw_cli system resync erp --delete-extra --yes --wait >"$dw_dir/out"
assert_sql state "select string_agg(a.map, ',') from dualwrite.sync s join dualwrite.sync a on a.id = any (s.after) where s.id = (select max(id) from dualwrite.sync where map = 'lines')" items 'parents first'
wait_caught_up items lines
assert_same_tables item
assert_same_tables line
gap_is_closed() { ! gap_is_open; }
wait_until 10 gap_is_closed
assert_counts_balance
