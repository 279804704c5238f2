#!/usr/bin/env bash
# Filters and computed columns: rows enter a map's filter and leave it, with and without their values before; what cannot be
# computed is a dead letter of that row; an initial sync with a filter under load ends as the same query on the source.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config '.producer.heartbeat_ms = 200' '.producer.sync_chunk_rows = 100' '.consumer.breaker_percent = 100'
dw_sql erp <<'SQL'
create type kind as enum ('person', 'organization');
create table party (id int primary key, kind kind, blocked boolean, amount numeric(12, 2), name varchar(40), changed timestamptz default '2026-01-31T12:00:00Z', v int not null default 1);
create table known (like party including all); alter table known replica identity full;
create table kept (like party including all); alter table kept replica identity full;
create table marked (like party including all); alter table marked replica identity full;
create table big (id int primary key, kind kind, amount numeric(12, 2), v int not null default 1);
insert into big select n, case when n % 3 = 0 then 'organization' else 'person' end::kind, n % 70, 1 from generate_series(1, 3000) n; analyze big;
SQL
dw_sql crm <<'SQL'
create table party (id int primary key, v int, total numeric(12, 2), label varchar(20), day date, large boolean);
create table known (id int primary key, v int); create table kept (id int primary key, v int);
create table marked (id int primary key, v int, state text not null default 'live');
create table big (id int primary key, v int, half numeric);
SQL
filter="kind eq 'organization' and blocked ne true"
filtered() { copy_map "$1" "public.$1" id v | jq --arg f "$filter" '.source.filter = $f'; }
computed='.columns += [{target: "total", compute: "round(amount mul 1.19,2)"}, {target: "label", compute: "concat(cast(kind,Edm.String),'"' '"',cast(id,Edm.String))"},
    {target: "day", compute: "date(changed)"}, {target: "large", compute: "1000 div (id sub 13) gt 100", default_when_null: false}]'

step "the check"
dw_start reconciler
refused() { # CODE PLACE JQ_FILTER
    filtered party | jq "$computed | $3" >"$dw_dir/m.json"
    ! dw_cli map check "$dw_dir/m.json" >"$dw_dir/out" 2>&1 || fail "$3 passes"
    assert_match "$(<"$dw_dir/out")" "m\.json:[0-9]+: error $1 $2: $4"
}
refused DW-EXPR-001 source.filter '.source.filter = "kind eq"' 'position 8'
refused DW-EXPR-002 source.filter '.source.filter = "Kind eq null"' 'position 1: .*Kind'
refused DW-EXPR-009 source.filter '.source.filter = "amount"' 'the filter is a decimal number'
refused DW-EXPR-005 source.filter '.source.filter = "amount eq '"'x'"'"' ''
refused DW-EXPR-008 'columns\[2\].compute' '.columns[2].compute = "amount div 0 add 1 div 0"' ''
refused DW-EXPR-006 'columns\[2\].compute' '.columns[2].compute = "now()"' ''
refused DW-MAP-028 'columns\[2\].compute' '.columns[2].compute = "changed"' ''
refused DW-MAP-061 source.filter '.source.filter = "name eq null"' '.*"name".*TOAST'
refused DW-MAP-061 'columns\[3\].compute' '.columns[3].compute = "name"' '.*"name".*TOAST'
refused DW-MAP-061 on_filter_exit '.on_filter_exit = "keep" | .columns[3] = {source: "name", target: "label"}' '.*"name"'
refused DW-MAP-015 on_filter_exit.set '.on_filter_exit = {set: "v", to: 1, live: 0}' ''
refused DW-MAP-026 on_filter_exit.set '.on_filter_exit = {set: "nothing", to: 1, live: 0}' ''
assert_match "$(dw_cli explain DW-MAP-061)" 'REPLICA IDENTITY FULL'

step start
dw_map "$(filtered party | jq "$computed")"
dw_map "$(filtered known)"
dw_map "$(filtered kept | jq '.on_filter_exit = "keep"')"
dw_map "$(filtered marked | jq '.on_filter_exit = {set: "state", to: "left", live: "live"} | .on_delete = {set: "state", to: "gone", live: "live"}')"
dw_start producer
wait_live
dw_start consumer
tables=(party known kept marked)
all() { for table in "${tables[@]}"; do dw_sql erp "${1//TABLE/$table}"; done; wait_caught_up "${tables[@]}"; }
all "insert into TABLE (id, kind, blocked, amount, name) select n, case when n % 2 = 0 then 'organization' else 'person' end::kind, nullif(n % 5, 0) = 4, n * 1.5, 'n' || n from generate_series(1, 20) n where n <> 13"
inside="kind = 'organization' and blocked is distinct from true"
same() { for table in "$@"; do assert_same "select id, v from $table where $inside" "select id, v from $table"; done; }
same "${tables[@]}"
assert_same "select id, v, round(amount * 1.19, 2), kind || ' ' || id, (changed at time zone 'UTC')::date, coalesce(1000 / (id - 13) > 100, false) from party where $inside" \
    "select id, v, total, label, day, large from party"
assert_sql crm "select sum(filtered) from dualwrite.progress where map = 'known'" 11

step "rows enter, leave, and come back"
journal() { dw_sql crm "select count(*) from test.journal where relation = '$1'"; }
for table in party known; do dw_journal crm "$table"; done
all "update TABLE set kind = 'organization', v = 2 where id in (1, 3); update TABLE set blocked = true, v = 2 where id in (2, 6); update TABLE set v = 2 where id between 8 and 10"
same party known
assert_sql crm "select id, v from kept where id in (1, 2, 3, 6, 8) order by 1" $'1|2\n2|1\n3|2\n6|1\n8|2'
assert_sql crm "select id, v, state from marked where id in (1, 2, 3, 6, 8) order by 1" $'1|2|live\n2|1|left\n3|2|live\n6|1|left\n8|2|live'
all "update TABLE set blocked = false, v = 3 where id in (2, 6); update TABLE set kind = 'person' where id = 1; delete from TABLE where id in (3, 10)"
same party known
assert_sql crm "select id, v from kept where id in (1, 2, 3, 6, 10) order by 1" $'1|2\n2|3\n6|3'
assert_sql crm "select id, v, state from marked where id in (1, 2, 3, 6, 10) order by 1" $'1|2|left\n2|3|live\n3|2|gone\n6|3|live\n10|2|gone'

step "in one transaction, and over a key change"
dw_cli map pause party >/dev/null
all_now() { for table in "${tables[@]}"; do dw_sql erp "${1//TABLE/$table}"; done; }
all_now "begin; update TABLE set blocked = true where id = 2; update TABLE set blocked = false, v = 9 where id = 2; update TABLE set id = 102 where id = 6; update TABLE set id = 105, kind = 'organization' where id = 5; update TABLE set id = 108, blocked = true where id = 8; commit"
dw_cli map resume party >/dev/null
wait_caught_up "${tables[@]}"
same party known
assert_sql crm "select string_agg(id::text, ',' order by id) from marked where state = 'live'" "$(dw_sql erp "select string_agg(id::text, ',' order by id) from marked where $inside")"

step "rows that never match cost no statement where it is known"
before=$(journal known)
filtered_before=$(counted known filtered)
all "update TABLE set v = v + 1 where kind = 'person'"
persons=$(dw_sql erp "select count(*) from known where kind = 'person'")
assert_eq "$(counted known filtered)" $((filtered_before + persons)) 'filtered rows'
assert_eq "$(journal known)" "$before" 'what the target saw'
same party known

step "a row that cannot be computed"
dw_sql erp "insert into party (id, kind, amount) values (13, 'organization', 1), (14000000, 'organization', 1), (26, 'organization', 9999999999)"
wait_caught_up party
assert_sql crm "select code, key from dualwrite.held where map = 'party' order by 1, 2" $'DW-EXPR-020|\nDW-VALUE-002|\nDW-VALUE-004|'
assert_match "$(dw_cli dead-letter list)" 'DW-EXPR-020'
assert_match "$(dw_records dualwrite.dead-letters | cut -f 4)" '"id":13'
dw_sql erp "delete from party where id in (13, 26, 14000000)"

step "initial syncs with a filter, under load"
dw_map "$(copy_map big public.big id v | jq '.source.filter = "kind eq '"'organization'"' and amount lt 60" | .columns += [{target: "half", compute: "amount divby 2"}]')"
load() { local until=$((SECONDS + $1)); RANDOM=${DW_SEED:-1}; while ((SECONDS < until)); do
    id=$((RANDOM % 3100 + 1))
    echo "update big set kind = case kind when 'person' then 'organization' else 'person' end::kind, v = v + 1 where id = $id;
        update big set amount = (amount + 7) % 80, v = v + 1 where id between $id and $id + 9; delete from big where id = $id + 20;
        insert into big values ($id + 30, 'organization', $id % 90) on conflict do nothing;"
    sleep 0.01; done | dw_sql erp; }
load 5 &
load_pid=$!
sleep 0.5
order_sync big initial
wait_until 30 syncs_are_done
wait $load_pid
wait_caught_up big
big() { assert_same "select id, v, amount / 2 from big where kind = 'organization' and amount < 60" "select id, v, half from big"; }
big
read=$(dw_sql state "select sum(rows_done) from dualwrite.sync_range r join dualwrite.sync s on s.id = r.sync where s.map = 'big'")
((read < 1600)) || fail "$read rows were read, the filter was not the source's matter"

step "after a gap: rows that left the filter or were deleted meanwhile"
dw_stop producer
dw_sql erp "select pg_drop_replication_slot('dualwrite_erp')" >/dev/null
dw_sql erp "update big set kind = 'person' where id % 4 = 0; delete from big where id % 5 = 0; update big set kind = 'organization' where id % 7 = 0"
dw_start producer producer -- --accept-gap
wait_live
order_sync big resync
wait_until 20 syncs_are_published
wait_caught_up big
assert_sql crm "select count(*) > 50 from big where id % 4 = 0 and id % 7 <> 0" t 'rows that left are still there'
load 3 &
load_pid=$!
order_sync big resync "delete_extra = true"
wait_until 30 syncs_are_published
wait $load_pid
wait_caught_up big
big
step "one key that has left"
dw_sql crm "insert into big values (1, 5, 5) on conflict (id) do update set v = 99"
dw_sql erp "delete from big where id in (1, 2); insert into big values (1, 'person', 1), (2, 'organization', 1)"
wait_caught_up big
dw_sql crm "insert into big values (1, 5, 5) on conflict (id) do update set v = 99"
order_sync big resync "keys = '[[\"1\"], [\"2\"]]'"
wait_until 20 syncs_are_published
wait_caught_up big
big
for map in known kept marked big; do assert_eq "$(counted $map dead)" 0 "dead letters of $map"; done
assert_counts_balance
