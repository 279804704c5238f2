#!/usr/bin/env bash
# What a comparison found, as a table, JSON, CSV and a page; the digest of a day, and its delivery. Values that would break a
# page or a table stand in it as they are.
. "$(dirname "$0")/../support/lib.sh"
dw_up
port=$(dw_free_port)
dw_config '.digest = { sample_ms: 1000, hour: 0 }' '.producer.heartbeat_ms = 200' \
    ".webhooks = { board: { url: \"http://127.0.0.1:$port/\", digest: true } }" '.alerts.group_wait_ms = 0'
schema="create table item (id int primary key, v text)"
dw_sql erp "$schema; insert into item select n, 'v' || n from generate_series(1, 200) n"
dw_sql crm "$schema"
dw_start reconciler
dw_start producer
dw_start consumer
copy_map items public.item id v >"$dw_dir/items.json"
dw_cli map apply "$dw_dir/items.json" --start --wait >/dev/null
check_page() { "$dw_root/tests/support/check_page" "$1" >"$1.text" 2>"$dw_dir/err" || fail "$1: $(<"$dw_dir/err")"; }

step "an equal run"
dw_cli reconcile run items --wait 60 >/dev/null || fail 'the first run'
dw_cli reconcile report 1 --html "$dw_dir/equal.html"
check_page "$dw_dir/equal.html"
assert_match "$(<"$dw_dir/equal.html.text")" 'both sides are equal'

step "damage, in words that would break a page"
hostile="<script>alert(1)</script>\"'&amp;,\\n; -- "$'\n\t\x01\u202e'"é💡"
dw_sql erp "update item set v = \$x\$$hostile\$x\$ where id = 1; update item set v = '' where id = 2; update item set v = null where id = 3"
wait_caught_up items
dw_sql crm "alter table item disable trigger all; update item set v = \$x\$</td></table><b>=1+1\$x\$ where id = 1;
    update item set v = null where id = 2; update item set v = '' where id = 3; delete from item where id = 4; insert into item values (9001, 'extra')"
! dw_cli reconcile run items --wait 60 >"$dw_dir/out" 2>&1 || fail 'the damage is not found'
run=2

step "the report on a terminal, as JSON"
dw_cli reconcile report $run >"$dw_dir/report"
assert_match "$(<"$dw_dir/report")" 'COLUMN +ROWS'
assert_match "$(<"$dw_dir/report")" 'v +3'
assert_match "$(<"$dw_dir/report")" 'missing +\["4"\]'
grep -q $'[\x01\x1b]' "$dw_dir/report" && fail 'control characters on the terminal'
dw_cli reconcile report $run --json >"$dw_dir/report.json"
assert_eq "$(jq -c '[.run.by_kind.missing, .run.by_kind.extra, .run.by_kind.different, .by_column[0].rows, (.history | map(.differences)), (.differences | length), .left_out]' "$dw_dir/report.json")" '[1,1,3,3,[5,0],5,0]'
! dw_cli reconcile report 77 >"$dw_dir/out" 2>&1 || fail 'a report of no run'
assert_match "$(<"$dw_dir/out")" 'there is no comparison 77'

step CSV
dw_cli reconcile report $run --csv >"$dw_dir/report.csv"
python3 - "$dw_dir/report.csv" "$hostile" >"$dw_dir/out" <<'PYTHON' || fail "$(<"$dw_dir/out")"
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], newline="", encoding="utf-8")))
assert len(rows) == 5, rows
row = {row["key"]: row for row in rows}
assert row['["1"]']["source"] == sys.argv[2] and row['["1"]']["target"] == "</td></table><b>=1+1", row['["1"]']
assert row['["4"]']["kind"] == "missing" and row['["9001"]']["kind"] == "extra", row
PYTHON
assert_eq "$(grep -c '"\["2"\]",v,"",,' "$dw_dir/report.csv" || true)" 0 'an odd quoting of the key'
assert_match "$(tr -d '\r' <"$dw_dir/report.csv")" ',v,"",,' 'an empty text beside a null'

step "the page"
dw_cli reconcile report $run --html "$dw_dir/report.html"
check_page "$dw_dir/report.html"
text=$(<"$dw_dir/report.html.text")
assert_match "$text" '<script>alert\(1\)</script>'
assert_match "$text" '</td></table><b>=1\+1'
assert_match "$text" '^null$'
assert_match "$text" '^empty$'
assert_match "$text" 'Differences over time'
assert_match "$text" 'run 2, .*: 5 found, 5 left'
assert_eq "$(grep -c 'http' "$dw_dir/report.html" || true)" "$(grep -c 'http-equiv' "$dw_dir/report.html")" 'addresses in the page'
assert_match "$(curl -s --noproxy '*' -D - -o /dev/null -H "Authorization: Bearer $(<"$dw_dir/token")" "http://127.0.0.1:${dw_ports[reconciler]}/api/v1/reconcile/runs/$run/report/page")" '[Cc]ontent-[Tt]ype: text/html; charset=utf-8'
! dw_cli reconcile report $run --html "$dw_dir/none/report.html" >"$dw_dir/out" 2>&1 || fail 'a page into no folder'
assert_match "$(<"$dw_dir/out")" 'cannot write .*none/report.html'

step "where a page was written is said"
assert_eq "$(dw_cli reconcile report $run --html "$dw_dir/report.html")" "written to $dw_dir/report.html"
assert_eq "$(dw_cli digest --html "$dw_dir/digest.html")" "written to $dw_dir/digest.html"
! dw_cli reconcile report $run --html "$dw_dir/report.html" --csv >"$dw_dir/out" 2>&1 || fail 'a page and CSV at once'
assert_match "$(<"$dw_dir/out")" 'csv does not go with --html'

step "the alert of differences, the repair in the report"
differ() { [[ $(dw_cli alert list --json | jq -r '.alerts[] | select(.alert == "differences") | .object + " " + .message') == "items comparison 2 left 5 differences" ]]; }
wait_until 15 differ
dw_cli reconcile repair $run --delete-extra --limit 5 --yes --wait 60 >"$dw_dir/out" 2>&1 || fail "repair: $(<"$dw_dir/out")"
dw_cli reconcile report $run --html "$dw_dir/report.html"
check_page "$dw_dir/report.html"
assert_match "$(<"$dw_dir/report.html.text")" 'run 2, .*: 5 found, 0 left'
agree() { [[ $(dw_cli alert list --json | jq '[.alerts[] | select(.alert == "differences")] | length') == 0 ]]; }
wait_until 15 agree

step "the digest of today, so far"
dw_sql erp "insert into item select n, 'new' from generate_series(1001, 1300) n; insert into item values (1301, 'x')"
wait_caught_up items
counted() { [[ $(dw_cli digest --json | jq '.all.day.events') -ge 501 ]]; }
wait_until 20 counted
dw_cli digest --json | jq -e '.complete == false and (.all.events_by_hour | add) == .all.day.events and .all.maps_compared == 1 and .all.maps_equal == 1
    and .maps[0].day.latency_ms.p99 > 0 and .maps[0].equality.run == 2 and .maps[0].equality.left == 0' >/dev/null || fail "digest: $(dw_cli digest --json)"
assert_match "$(dw_cli digest)" 'items +[0-9,]+ +new .*equal, run 2'
dw_cli digest --html "$dw_dir/digest.html"
check_page "$dw_dir/digest.html"
assert_match "$(<"$dw_dir/digest.html.text")" 'equal after repair'
assert_match "$(dw_cli digest --date 2026-01-01 --json | jq -c '[.complete, .all.day.events]')" '^\[true,0\]$'
! dw_cli digest --date 2026-02-30 >"$dw_dir/out" 2>&1 || fail 'a day that is none'
assert_match "$(<"$dw_dir/out")" 'date is a day such as'

step "counts go on after a kill, none twice"
events=$(dw_cli digest --json | jq '.all.day.events')
dw_kill reconciler
dw_sql erp "insert into item values (1302, 'y')"
dw_start reconciler
one_more() { [[ $(dw_cli digest --json | jq '.all.day.events') == $((events + 1)) ]]; }
wait_until 20 one_more

step "a letter that was settled was new all the same, and is so once"
dead_is() { [[ $(dw_cli digest --json | jq -c '[.maps[0].day.dead, .maps[0].dead_letters_open]') == "$1" ]]; }
dead_is '[0,0]' || fail "before any letter: $(dw_cli digest --json)"
dw_stop reconciler
dw_config '.digest = { sample_ms: 15000, hour: 0 }' '.producer.heartbeat_ms = 200'
dw_start reconciler
wait_until 10 is_ready reconciler
dw_sql crm "alter table item add constraint short check (length(v) < 10) not valid"
dw_sql erp "insert into item values (1401, 'longer than ten'), (1402, 'longer than ten')"
wait_letters items 2
dw_sql crm "alter table item drop constraint short"
dw_cli dead-letter replay --all --wait 20 >/dev/null
wait_until 40 dead_is '[2,0]'
dw_stop reconciler
dw_config '.digest = { sample_ms: 1000, hour: 0 }' '.producer.heartbeat_ms = 200' \
    ".webhooks = { board: { url: \"http://127.0.0.1:$port/\", digest: true } }" '.alerts.group_wait_ms = 0'
dw_start reconciler
wait_until 10 is_ready reconciler
dw_sql crm "alter table item add constraint short check (length(v) < 10) not valid"
dw_sql erp "insert into item values (1403, 'longer than ten'), (1404, 'longer than ten'), (1405, 'longer than ten')"
wait_until 20 dead_is '[5,3]'
dw_sql crm "alter table item drop constraint short"
dw_cli dead-letter replay "$(dw_sql state "select min(id) from dualwrite.dead_letter where state = 'open'")" --wait 20 >/dev/null
wait_until 20 dead_is '[5,2]'
dw_cli dead-letter replay --all --wait 20 >/dev/null
wait_until 20 dead_is '[5,0]'

step "yesterday's digest is sent once"
: >"$dw_dir/got.json"
dw_sql state "insert into dualwrite.map_sample (map, hour, events, dead, latency, lag_max_us) select 'items', date_trunc('hour', now(), 'UTC') - interval '1 day', 7, 1,
    array_fill(0::bigint, array[10]) || array[7::bigint] || array_fill(0::bigint, array[17]), 2500000"
"$dw_root/tests/support/webhook_receiver" "$port" "$dw_dir/got.json" >"$dw_dir/receiver.out" 2>&1 &
dw_pids[receiver]=$!
digests() { jq -s '[.[] | select(.body.kind == "digest")] | length' "$dw_dir/got.json"; }
sent() { [[ $(digests) == 1 ]]; }
wait_until 90 sent
assert_eq "$(jq -s -c '[.[].body | select(.kind == "digest")][0] | [.complete, .all.day.events, .all.day.dead, .maps[0].map]' "$dw_dir/got.json")" '[true,7,1,"items"]'
dw_stop reconciler
dw_start reconciler
sleep 2
assert_eq "$(digests)" 1 'digests after a restart'

step "rows that changed since a moment, in a report"
dw_cli reconcile run items --since 1h --wait 60 >"$dw_dir/out" || fail "$(<"$dw_dir/out")"
dw_cli reconcile report 3 --html "$dw_dir/since.html" >/dev/null
check_page "$dw_dir/since.html"
assert_match "$(<"$dw_dir/since.html.text")" 'Rows that changed since'
assert_match "$(<"$dw_dir/since.html.text")" 'the changes that Kafka keeps'

step "one that takes longer than somebody waits"
! dw_cli reconcile run items --rate 20 --wait 1 >"$dw_dir/out" 2>&1 || fail 'done too soon'
assert_match "$(<"$dw_dir/out")" 'run 4 still runs after 1 s \(DW-API-067\)'
dw_cli reconcile cancel 4 >/dev/null
