#!/usr/bin/env bash
# Trap 8, two source rows, one target row: the check refuses what can be seen: keys that fold into one, two maps that
# delete in one table; maps that keep apart by a constant key column, or never delete, pass.
. "$(dirname "$0")/../../support/lib.sh"
dw_up
dw_sql erp "create table a (id text primary key, v int); create table b (id text primary key, v int); create table n (id numeric primary key, v int); create table t (id timestamptz primary key, v int)"
dw_sql crm "create extension citext; create table folding (id citext primary key, v int); create table shared (id text primary key, v int); create table apart (kind text, id text, v int, primary key (kind, id));
    create collation folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false); create table collated (id text collate folded primary key, v int); create table days (id date primary key, v int)"
dw_config
dw_start reconciler
map() { # NAME SOURCE TARGET [JQ]
    copy_map "$1" "public.$2" id v | jq ".target.table = \"public.$3\" | ${4:-.}" >"$dw_dir/$1.json"
}
refused() { # CODE FILE…
    local code=$1
    shift
    ! dw_cli map check "$@" >"$dw_dir/out" 2>&1 || fail "$* pass"
    assert_match "$(<"$dw_dir/out")" "$code"
}
passes() { dw_cli map check "$@" >"$dw_dir/out" 2>&1 || { sed 's/^/# /' "$dw_dir/out" >&2; fail "$* are refused"; }; }
step "keys that fold"
map fold a folding
refused DW-MAP-038 "$dw_dir/fold.json"
map collate a collated
refused DW-MAP-038 "$dw_dir/collate.json"
# What is no midnight is refused as a value, so nothing folds.
map day t days
passes "$dw_dir/day.json"
step "two maps on one table"
# Each reason by itself: one of both deletes; one of both truncates.
map one a shared '.on_truncate = "ignore"'
map two b shared '.on_delete = "ignore" | .on_truncate = "ignore"'
refused DW-MAP-039 "$dw_dir/one.json" "$dw_dir/two.json"
map one a shared '.on_delete = "ignore" | .on_truncate = "truncate"'
refused DW-MAP-039 "$dw_dir/one.json" "$dw_dir/two.json"
map one a shared
map two b shared
refused DW-MAP-039 "$dw_dir/one.json" "$dw_dir/two.json"
passes "$dw_dir/one.json"
dw_start producer
dw_map "$dw_dir/one.json"
! dw_cli map apply "$dw_dir/two.json" --start >"$dw_dir/out" 2>&1 || fail 'a second map on the table was applied'
assert_match "$(<"$dw_dir/out")" DW-MAP-039
map two b shared '.on_delete = "ignore" | .on_truncate = "ignore"'
map one a shared '.on_delete = "ignore" | .on_truncate = "ignore"'
passes "$dw_dir/one.json" "$dw_dir/two.json"
step "kept apart by a constant in the key"
for name in a b; do
    map apart_$name $name apart ".target.key = [\"kind\", \"id\"] | .columns += [{ target: \"kind\", default: \"$name\" }] | .on_truncate = \"ignore\""
done
passes "$dw_dir/apart_a.json" "$dw_dir/apart_b.json"
