#!/usr/bin/env bash
# Which rows a re-sync is about: those that match an expression, beside the map's own filter, over columns that the map does
# not even have; a range, whose extra rows alone are deleted; how many rows are expected; mistakes are named.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config '.producer.heartbeat_ms = 200' '.producer.sync_chunk_rows = 50'
dw_sql erp <<'SQL'
create table item (code text collate "C", id int, v int not null default 1, note text, qty int not null, primary key (code, id));
alter table item replica identity full;
insert into item select case when n % 2 = 0 then 'B' else 'a' end, n, 1, 'é''"\' || n % 10, n from generate_series(1, 1000) n; analyze item
SQL
dw_sql crm 'create table item (code text, id int, v int, primary key (code, id))'
dw_begin "$(copy_map items public.item code,id v | jq '.source.filter = "qty le 900"')"
dw_cli map resync items --wait >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'items: done, 100.0 %, 900 rows'
rows() { assert_sql crm "select count(*) from item where v = 77$1" "$2"; }
spoil() { dw_sql crm "update item set v = 77"; }
estimated() { jq .rows_estimated <<<"$(dw_cli sync show "$(dw_sql state 'select max(id) from dualwrite.sync')" --json)"; }

step "rows that match an expression"
spoil
dw_cli map resync items --filter "note eq 'é''\"\\3' and qty gt 500" --wait >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'items: done, 100.0 %, 40 rows' # of the 50 the map's filter leaves out ten
rows '' 860
rows " and (id % 10 <> 3 or id <= 500)" 860
(($(estimated) >= 5 && $(estimated) < 200)) || fail "$(estimated) rows were expected of 40"
dw_cli sync show "$(dw_sql state 'select max(id) from dualwrite.sync')" --json | jq -e '.scope == "filter" and (.filter | startswith("note eq"))' >/dev/null || fail 'the scope in sync show'
assert_match "$(dw_cli audit --map items --json | jq -r '.audit[0] | .action + " " + (.detail | tostring)')" 'sync.resync.*"scope":"filter"'

step "within a range"
spoil
dw_cli map resync items --from '["a", 101]' --to '{"code": "a", "id": 199}' --filter 'id mod 10 eq 1' --wait >/dev/null
rows " and not (code = 'a' and id between 101 and 199 and id % 10 = 1)" 890

step "of a range only what is extra in it is deleted"
dw_sql crm "insert into item select c, n, 0 from (values ('a'), ('B'), ('b'), ('A')) c(c), generate_series(2001, 2010) n"
dw_cli map resync items --from '["B", 2005]' --to '["a", 2002]' --delete-extra --yes --wait >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'items: done, 100.0 %, [0-9]+ rows, 8 deleted'
# in the source's order: "B" 2005 to 2010, all of "a" up to 2002 - but not "A", nor "b"
assert_sql crm "select string_agg(code || ' ' || n, ', ' order by code collate \"C\") from (select code, count(*) as n from item where id > 2000 group by code) c" 'A 10, B 4, a 8, b 10'
(($(estimated) >= 300 && $(estimated) <= 900)) || fail "$(estimated) rows were expected of 450"
dw_cli map resync items --delete-extra --yes --wait >/dev/null
assert_same 'select code, id, v from item where qty <= 900' 'select * from item'

step "mistakes are named and order nothing"
ordered=$(dw_sql state "select count(*) from dualwrite.sync")
refused() { # CODE PATTERN ARGUMENT…
    local expected=$1 pattern=$2 code=0
    shift 2
    dw_cli "$@" >"$dw_dir/out" 2>"$dw_dir/err" || code=$?
    assert_eq "$code" "$expected" "exit code of $*"
    assert_match "$(<"$dw_dir/err")" "$pattern" "$*"
}
refused 1 'position 1: there is no column nothing.*DW-EXPR-002' map resync items --filter 'nothing eq 1'
refused 1 'position [0-9]+: .*DW-EXPR-[0-9]+' map resync items --filter 'qty gt'
refused 1 'DW-EXPR-[0-9]+' map resync items --filter 'qty add 1'
refused 2 'nothing to match' map resync items --filter 'qty gt 1' --delete-extra --yes
refused 2 'of one map' map resync items others --filter 'qty gt 1'
dw_cli map resync items --filter 'qty gt 1' --dry-run >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'items: would be copied again'
assert_sql state "select count(*) from dualwrite.sync" "$ordered"

step "an expression that a row makes fail ends the sync with the reason, and nothing else"
code=0
dw_cli map resync items --filter '10 div (qty sub 500) gt 0' --wait >"$dw_dir/out" 2>"$dw_dir/err" || code=$?
assert_eq "$code" 1 'exit code of a sync that fails'
cat "$dw_dir/out" "$dw_dir/err" >&2
assert_match "$(cat "$dw_dir/out" "$dw_dir/err")" 'division by zero'
wait_until 10 map_is items running
assert_sql state "select count(*) from dualwrite.gap where closed_at is null" 0
# It stands in sight until somebody has dealt with it.
assert_match "$(dw_cli sync list)" 'items +resync +failed .*division by zero'
assert_match "$(dw_cli status)" 'items +resync +failed .*division by zero'
failed=$(dw_sql state "select max(id) from dualwrite.sync")
dw_cli sync cancel "$failed" >/dev/null
assert_match "$(dw_cli sync list)" 'no syncs'
dw_sql state "update dualwrite.sync set state = 'failed' where id = $failed"
assert_match "$(dw_cli sync list)" 'items +resync +failed'
dw_cli map resync items --filter 'qty gt 1' --wait >/dev/null
assert_match "$(dw_cli sync list)" 'items +resync +failed'
dw_cli map resync items --wait >/dev/null
assert_match "$(dw_cli sync list)" 'no syncs' 'failed syncs behind a copy of all rows'
dw_sql erp "update item set v = 9"
wait_caught_up items
assert_same 'select code, id, v from item where qty <= 900' 'select * from item'
assert_counts_balance
