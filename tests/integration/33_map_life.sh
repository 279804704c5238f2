#!/usr/bin/env bash
# The life of a map: start copies what is there, parents first; initial sync, catching up, running; pause, error and
# resume in the middle of it; a failed and a cancelled sync; history and audit log; --wait with its progress.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config '.producer.heartbeat_ms = 200' '.producer.sync_chunk_rows = 50'
schema="create table groups (id int primary key, name text);
    create table accounts (id int primary key, group_id int references groups, v int not null default 1);
    create table orders (id int primary key, account_id int references accounts, v int not null default 1);
    create table lonely (id int primary key, v int not null default 1);
    create table left_side (id int primary key, other int, v int not null default 1);
    create table right_side (id int primary key, other int references left_side, v int not null default 1);
    alter table left_side add foreign key (other) references right_side;
    create table keyless (id int primary key, v int not null default 1)"
dw_sql erp "$schema; insert into groups select n, 'g' || n from generate_series(1, 20) n;
    insert into accounts select n, n % 20 + 1 from generate_series(1, 600) n;
    insert into orders select n, n % 600 + 1 from generate_series(1, 1500) n; insert into left_side values (1), (2); insert into right_side values (1, 1); analyze"
dw_sql crm "$schema"
step start
dw_start reconciler
for map in "orders account_id" "accounts group_id" "groups name" "lonely v" "left_side other" "right_side other" "keyless v"; do
    name=${map%% *}
    copy_map "$name" "public.$name" id v "${map#* }" | jq '.columns |= unique_by(.target)' >"$dw_dir/$name.json"
done
jq '.columns |= map(select(.target != "v"))' "$dw_dir/groups.json" >"$dw_dir/g" && mv "$dw_dir/g" "$dw_dir/groups.json"
dw_cli map apply "$dw_dir/orders.json" --dry-run >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'warning DW-MAP-052 .*public.accounts, which no map writes'
dw_cli map apply "$dw_dir"/{orders,accounts,groups}.json --dry-run >"$dw_dir/out"
assert_eq "$(grep -c warning "$dw_dir/out" || true)" 0 'warnings of maps beside those that they need'
for name in orders accounts groups lonely left_side right_side; do dw_cli map apply "$dw_dir/$name.json" >/dev/null; done
dw_start consumer

step "a dry run changes nothing and shows the order"
dw_cli map start orders accounts groups --dry-run >"$dw_dir/out"
assert_eq "$(cut -d : -f 1 "$dw_dir/out" | tr '\n' ' ')" 'groups accounts orders ' 'parents first'
assert_sql state "select count(*) from dualwrite.sync" 0
assert_sql state "select count(*) from dualwrite.map where state <> 'stopped'" 0

step "started together: one batch, parents first, cycles without order, empty ones at once"
dw_cli map start orders accounts groups lonely left_side right_side --json >"$dw_dir/out"
jq -e '.maps | length == 6 and all(.changed and .state == "initial_sync" and .sync > 0)' "$dw_dir/out" >/dev/null || fail "the answer: $(<"$dw_dir/out")"
assert_sql state "select count(distinct batch), count(*) from dualwrite.sync" '1|6'
after() { dw_sql state "select string_agg(a.map, ',' order by a.map) from dualwrite.sync s join dualwrite.sync a on a.id = any (s.after) where s.map = '$1'"; }
assert_eq "$(after orders)" accounts,groups
assert_eq "$(after accounts)" groups
assert_eq "$(after groups)$(after lonely)$(after left_side)$(after right_side)" '' 'those that wait for nobody'
assert_sql state "select string_agg(distinct state, ',') from dualwrite.map" initial_sync
dw_start producer
wait_until 30 syncs_are_done
all_running() { sql_is state "select count(*) from dualwrite.map where state <> 'running'" 0; }
wait_until 30 all_running
for table in groups accounts orders left_side right_side; do assert_same_tables $table; done
assert_sql state "select string_agg(event || ' ' || state, ', ' order by id) from dualwrite.map_history where map = 'orders'" \
    'apply stopped, start initial_sync, synced catching_up, caught_up running' 'history'
assert_sql state "select bool_and(c.started_at >= p.ended_at) from dualwrite.sync c join dualwrite.sync p on p.id = any (c.after)" t 'parents were done before'
assert_sql crm "select count(*) from dualwrite.waiting" 0
step "started again: nothing to do"
assert_match "$(dw_cli map start orders)" 'orders: already running$'
assert_match "$(dw_cli map start orders --rate 5)" 'orders: already running; the options of its copy are not used'

step "paused and resumed in the middle: the copy stands and goes on"
dw_cli map stop orders >/dev/null
dw_sql crm "truncate orders"
dw_cli map start orders --rate 100 >/dev/null
progressed() { sql_is state "select sum(rows_done) > 0 from dualwrite.sync_range where sync = (select max(id) from dualwrite.sync)" t; }
wait_until 20 progressed
dw_cli status >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'orders +initial_sync'
assert_match "$(<"$dw_dir/out")" 'orders +initial +running +[0-9.]+ %'
dw_cli status --json | jq -e '.syncs | length == 1 and .[0].map == "orders" and .[0].rows_estimated == 1500 and .[0].rate == 100' >/dev/null || fail 'syncs in status --json'
metric() { [[ $(dw_metric reconciler "$1") == "$2" ]]; }
wait_until 10 metric 'dw_sync_rows_estimated{map="orders"}' 1500
wait_until 10 metric 'dw_sync_state{map="orders",state="running"}' 1
wait_until 10 metric 'dw_map_state{map="orders",state="initial_sync"}' 1
pause_map orders
rows() { dw_sql state "select sum(rows_done) from dualwrite.sync_range where sync = (select max(id) from dualwrite.sync)"; }
sleep 1
before=$(rows)
sleep 1
assert_eq "$(rows)" "$before" 'rows copied while the map is paused'
dw_cli map resume orders --wait >"$dw_dir/resume.out" &
resumed=$!
wait_until 20 grep -q 'orders: running' "$dw_dir/resume.out"
map_is orders initial_sync || fail "resumed it is $(map_state orders)"
# Whoever lost the terminal that waited waits again.
dw_cli map start orders --wait >"$dw_dir/start.out" &
started=$!
wait_until 20 grep -q 'orders: running' "$dw_dir/start.out"
assert_match "$(<"$dw_dir/start.out")" 'orders: already initial_sync'
dw_cli sync rate "$(dw_sql state 'select max(id) from dualwrite.sync')" 0 >/dev/null
wait_until 30 syncs_are_done
wait "$resumed" "$started"
assert_match "$(<"$dw_dir/resume.out")" 'orders: done, 100.0 %, 1,500 rows'
assert_match "$(<"$dw_dir/start.out")" 'orders: done, 100.0 %, 1,500 rows'
wait_until 20 map_is orders running
assert_same_tables orders
step "an ordinary pause: catching up, then running"
pause_map orders
dw_sql erp "update orders set v = v + 1"
sleep 3
dw_cli map resume orders >/dev/null
wait_until 20 map_is orders running
assert_sql state "select string_agg(state, ' ' order by id) from (select * from dualwrite.map_history where map = 'orders' order by id desc limit 3) h" 'paused catching_up running'
assert_same_tables orders

step "a sync that fails leaves its map in initial_sync with the reason; resume goes on"
dw_cli map apply "$dw_dir/keyless.json" >/dev/null
dw_sql erp "alter table keyless replica identity full; alter table keyless drop constraint keyless_pkey; insert into keyless values (1, 1)"
code=0
dw_cli map start keyless --wait >"$dw_dir/out" 2>"$dw_dir/err" || code=$?
assert_eq "$code" 1 'exit code of a sync that failed'
assert_match "$(<"$dw_dir/err")" 'DW-SYNC-001'
assert_sql state "select state, code from dualwrite.map where name = 'keyless'" 'initial_sync|DW-SYNC-001'
assert_match "$(dw_cli status)" 'DW-SYNC-001'
dw_sql erp "alter table keyless add primary key (id)"
dw_cli map resume keyless >/dev/null
wait_until 20 map_is keyless running
assert_same_tables keyless
assert_sql state "select code || reason from dualwrite.map where name = 'keyless'" ''

step "--wait ends when nothing goes on by itself any more, and says what does"
waits() { # PATTERN COMMAND…: in the background; the answer is looked at by ends
    code=0
    timeout $((60 * dw_slow)) "$dw_bin/dualwrite" "$@" >"$dw_dir/out" 2>"$dw_dir/err" || code=$?
}
ends() { # PATTERN
    assert_eq "$code" 1 'exit code of --wait'
    assert_match "$(<"$dw_dir/err")" "$1" 'standard error of --wait'
}
dw_sql crm "alter table keyless rename column v to w"
dw_sql erp "insert into keyless select n, 1 from generate_series(2, 300) n"
wait_until 20 map_is keyless error
waits map resync keyless --wait
ends 'sync [0-9]+ of map keyless does not go on by itself: map in error: .*; it goes on where it stands after `dualwrite map resume keyless` \(DW-APPLY-[0-9]+\)'
assert_match "$(<"$dw_dir/out")" 'keyless: map in error'
waits system resync erp --wait
ends 'map keyless does not go on by itself'
(($(grep -c 'does not go on' "$dw_dir/err") == 1)) || fail 'maps that are well are told'
assert_match "$(<"$dw_dir/out")" 'orders: done'
dw_sql crm "alter table keyless rename column w to v"
dw_cli map resume keyless >/dev/null
wait_until 20 map_is keyless running
wait_until 20 syncs_are_done
assert_same_tables keyless
for name in groups accounts; do dw_cli map stop $name >/dev/null; done
dw_sql crm "alter table groups rename column name to title"
waits map start groups accounts --wait
ends 'sync [0-9]+ of map groups does not go on by itself: map in error'
(($(grep -c 'does not go on' "$dw_dir/err") == 1)) || fail 'the child that waits for it is told'
dw_sql crm "alter table groups rename column title to name"
dw_cli map resume groups >/dev/null
wait_until 20 all_running
dw_cli map pause keyless >/dev/null
waits map resync keyless --wait
ends 'map paused.*`dualwrite map resume keyless`'
dw_cli map resume keyless >/dev/null
wait_until 20 syncs_are_done
wait_until 20 all_running

step "a cancelled one lets the map go on, with a gap that a re-sync closes"
dw_cli map stop lonely >/dev/null
dw_sql erp "insert into lonely select n, 1 from generate_series(1, 2000) n"
dw_cli map start lonely --rate 50 >/dev/null
wait_until 20 progressed
dw_cli sync cancel "$(dw_sql state 'select max(id) from dualwrite.sync')" >/dev/null
wait_until 20 map_is lonely running
assert_sql state "select string_agg(code, ',' order by code) from dualwrite.gap where closed_at is null and map = 'lonely'" 'DW-STATE-007,DW-STATE-013'
dw_cli map resync lonely --wait >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'lonely: done, 100.0 %, 2,000 rows'
assert_sql state "select string_agg(code, ',') from dualwrite.gap where closed_at is null and map = 'lonely'" DW-STATE-007
assert_same_tables lonely

step "history and audit log"
dw_cli map history orders >"$dw_dir/out"
assert_match "$(head -n 2 "$dw_dir/out")" 'caught_up +running'
dw_cli map history orders --limit 2 --json | jq -e '.history | length == 2 and .[0].event == "caught_up" and .[1].event == "resume"' >/dev/null || fail 'history --json'
dw_cli audit --map lonely --json | jq -e '[.audit[].action] | index("sync.cancel") and index("map.start") and index("sync.resync")' >/dev/null || fail 'audit'
assert_match "$(dw_sql state "select detail from dualwrite.audit_log where action = 'map.apply' and object = 'lonely' order by id limit 1")" '"version": "1.0.0".*"revision": 1'
dw_cli audit --limit 1 >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'more: --after [0-9]+'

step "diff says what a new version means, apply --backfill does it, rollback goes back"
dw_sql erp "alter table groups add note text default 'old'"
dw_sql crm "alter table groups add note text"
jq '.version = "2.0.0" | .columns += [{ source: "note", target: "note" }]' "$dw_dir/groups.json" >"$dw_dir/groups2.json"
dw_cli map diff "$dw_dir/groups2.json" >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'columns.note: new: '
assert_match "$(<"$dw_dir/out")" 'rows already there lack its value'
assert_match "$(<"$dw_dir/out")" 'for rows already there: --backfill'
dw_cli map apply "$dw_dir/groups2.json" --dry-run --backfill >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'rows already there would be copied again$'
jq '.source.filter = "id gt 5"' "$dw_dir/groups2.json" >"$dw_dir/groups4.json"
dw_cli map apply "$dw_dir/groups4.json" --dry-run --backfill >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'rows that match no more stay: dualwrite map resync groups --delete-extra --yes'
dw_cli map apply "$dw_dir/groups4.json" --dry-run --backfill --delete-extra >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'would be copied again, and those deleted that the source has not'
jq '.target.key = ["name"] | .source.key = ["name"]' "$dw_dir/groups.json" >"$dw_dir/groups3.json"
dw_sql erp "create unique index groups_name on groups (name); alter table groups alter name set not null, replica identity full"
dw_sql crm "create unique index groups_name on groups (name); alter table groups alter name set not null"
dw_cli map diff "$dw_dir/groups3.json" >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'it must be stopped first'
assert_sql state "select revision from dualwrite.map where name = 'groups'" 1 'a diff changes nothing'
dw_cli map apply "$dw_dir/groups2.json" --backfill --wait >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'groups: done, 100.0 %, 20 rows'
assert_sql crm "select count(*) from groups where note = 'old'" 20
code=0
dw_cli map rollback groups --to 7 2>"$dw_dir/err" || code=$?
assert_eq "$code" 1 'a revision that is not there'
assert_match "$(<"$dw_dir/err")" 'DW-STATE-014'
dw_cli map rollback groups --dry-run >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'columns.note: gone: '
assert_sql state "select revision from dualwrite.map where name = 'groups'" 2
dw_cli map rollback groups --wait >/dev/null
assert_sql state "select m.revision, r.version, h.reason from dualwrite.map m join dualwrite.map_revision r on r.map = m.name and r.revision = m.revision
    join dualwrite.map_history h on h.map = m.name and h.event = 'apply' and h.revision = m.revision where m.name = 'groups'" '3|1.0.0|back to revision 1'
dw_sql erp "update groups set note = 'new', name = 'renamed' where id = 1"
wait_caught_up groups
assert_sql crm "select name, note from groups where id = 1" 'renamed|old'
assert_counts_balance
