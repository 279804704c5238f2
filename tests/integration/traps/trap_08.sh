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
step "kept apart by filters: who owns the row"
dw_sql erp "create table split (id int primary key, kind varchar(5), v int not null default 1); insert into split select n, case when n % 2 = 0 then 'a' else 'b' end, 1 from generate_series(1, 60) n"
dw_sql crm "create table united (id int primary key, v int, kind text)"
shares() { for kind in a b; do copy_map "share_$kind" public.split id v kind | jq ".target.table = \"public.united\" | .on_truncate = \"ignore\" | .source.filter = \"kind eq '$kind'\"" >"$dw_dir/share_$kind.json"; done; }
shares
refused DW-MAP-039 "$dw_dir/share_a.json" "$dw_dir/share_b.json"
assert_match "$(<"$dw_dir/out")" 'REPLICA IDENTITY FULL'
dw_sql erp "alter table split replica identity full"
passes "$dw_dir/share_a.json" "$dw_dir/share_b.json"
jq '.on_filter_exit = {set: "v", to: 1, live: 0} | .columns |= map(select(.target != "v"))' "$dw_dir/share_b.json" >"$dw_dir/flag.json"
refused DW-MAP-039 "$dw_dir/share_a.json" "$dw_dir/flag.json"
dw_map "$dw_dir/share_a.json"
dw_map "$dw_dir/share_b.json"
dw_start consumer
united() { assert_same "select id, v, kind from split where kind in ('a', 'b')" "select id, v, kind from united"; }
order_sync share_a initial
order_sync share_b initial
wait_until 30 syncs_are_done
wait_caught_up share_a share_b
united
# The row's move is one version in both maps: whichever comes first, the row stays, as the map has it that it moved to.
change() {
    dw_sql erp "update split set kind = 'b', v = v + 1 where id in (2, 4); update split set kind = 'a', v = v + 1 where id in (1, 3);
        begin; update split set kind = 'b' where id = 6; update split set kind = 'a', v = v + 1 where id = 6; commit;
        update split set kind = 'none' where id in (7, 8); delete from split where id in (9, 10); update split set v = 50 where id between 20 and 30;
        delete from split where id in (11, 12); insert into split values (11, 'a', 7), (12, 'b', 7); update split set id = id + 100 where id in (13, 14)"
}
for slow in share_a share_b; do
    fast=share_b
    [[ $slow == share_a ]] || fast=share_a
    step "$slow is behind"
    dw_cli map pause "$slow" >/dev/null
    pause_map "$slow"
    change
    dw_sql erp "update split set kind = case kind when 'a' then 'b' else 'a' end, v = v + 1 where id between 40 and 60"
    wait_caught_up $fast
    assert_same "select id, v, kind from split where kind = '${fast#share_}'" "select id, v, kind from united where kind = '${fast#share_}'"
    dw_cli map resume "$slow" >/dev/null
    wait_caught_up share_a share_b
    united
    dw_sql erp "update split set kind = 'a' where id in (7, 8); insert into split values (9, 'a'), (10, 'b'); delete from split where id > 100; insert into split values (13, 'b'), (14, 'a')"
    wait_caught_up share_a share_b
    united
done
step "one leaves what it wrote in the same batch, while the other creates it"
# share_b has looked at the owners and waits for a row; meanwhile others are share_a's, at the version of the leave.
dw_sql erp "insert into split select n, 'b' from generate_series(80, 89) n"
wait_caught_up share_a share_b
pause_map share_b
dw_sql erp "update split set v = 5 where id between 80 and 84"
dw_sql erp "insert into split select n, 'b' from generate_series(70, 79) n; update split set v = 5 where id between 85 and 89; update split set kind = 'a', v = 2 where id between 70 and 79"
wait_caught_up share_a
blocked_by() { wait_until 20 sql_is crm "select count(*) > 0 from pg_stat_activity where $1 = any (pg_blocking_pids(pid))" t; }
dw_sql crm "create table owned as select o.* from dualwrite.owner o, generate_series(70, 79) n where key = sha256(convert_to('[\"' || n || '\"]', 'UTF8')); create table moved as select * from united where id between 70 and 79;
    delete from dualwrite.owner where key in (select key from owned); delete from united where id between 70 and 79"
assert_sql crm "select count(*) from owned" 10
dw_session first crm
dw_session rows crm 2>/dev/null # one coprocess is meant to be there
first=$(dw_say first "begin; select pg_backend_pid(); select from united where id between 80 and 84 for update" | grep -m 1 .)
rows=$(dw_say rows "begin; select pg_backend_pid(); select from united where id between 85 and 89 for update" | grep -m 1 .)
dw_cli map resume share_b >/dev/null
blocked_by "$first"
sleep 1 # all that follows is fetched meanwhile, and makes one batch
dw_hush first
blocked_by "$rows"
dw_sql crm "insert into united select * from moved; insert into dualwrite.owner select * from owned"
dw_hush rows
wait_caught_up share_b
united
assert_sql crm "select count(*) from dualwrite.owner where key in (select key from owned) and map = 'share_a' and gone = 0" 10
step "both at once, with two workers"
dw_start consumer second
for ((i = 0; i < 150; i++)); do
    echo "update split set kind = case kind when 'a' then 'b' else 'a' end, v = v + 1 where id between $((RANDOM % 60)) and $((RANDOM % 60)); delete from split where id = $((RANDOM % 60 + 1)); insert into split values ($((RANDOM % 60 + 1)), 'a', $i) on conflict do nothing;"
    sleep 0.01
done | dw_sql erp
wait_caught_up share_a share_b
united
step "a re-sync of one that looks for rows that it has too many leaves those of the other"
dw_sql crm "insert into united values (5000, 1, 'a'); insert into dualwrite.owner select '\"public\".\"united\"', sha256('[\"5000\"]'), 'share_a', 0, '0/0', 0, 0"
order_sync share_a resync "delete_extra = true"
wait_until 30 syncs_are_published
wait_caught_up share_a share_b
united
assert_sql crm "select sum(dead) from dualwrite.progress where map like 'share%'" 0
assert_counts_balance
