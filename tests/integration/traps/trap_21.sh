#!/usr/bin/env bash
# Trap 21, a new map version over partitions: it begins at one place of the stream. One partition has passed two of them and
# another has not, workers are killed in between, the state database is away for them, and the producer sends the stream
# again: each event is applied by the revision that was in force at its place.
. "$(dirname "$0")/../../support/lib.sh"
dw_up
dw_config '.producer.position_save_ms = 60000' # a killed producer sends all again
dw_sql erp "create table item (id int primary key, v int not null default 1, note text default 'n', extra text default 'e')"
dw_sql crm "create table item (id int primary key, v int not null default 1, note text, extra text, rev text)"
dw_journal crm item
# Rows stand in test.hold while they are to be refused, so that their partition stands still.
dw_sql crm "create table test.hold (id int, v int);
    create function test.hold() returns trigger language plpgsql security definer as \$\$
    begin
        if exists (select from test.hold h where h.id = new.id and h.v = new.v) then raise exception 'held' using errcode = '40001'; end if;
        return new;
    end \$\$;
    create trigger hold before insert or update on item for each row execute function test.hold()"
dw_sql state "create role worker superuser login password 'worker'"
worker() { dw_start consumer "$1" DW_STATE_CONNECTION="$(dw_url state worker)"; }
state_away() { dw_sql state "alter role worker nologin; select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'worker'" >/dev/null; }
revision() { # NUMBER COLUMN…: the map, with a constant that tells its revision
    copy_map items public.item id v "${@:2}" | jq --arg n "$1" '.version = $n + ".0.0" | .columns += [{ target: "rev", default: $n }]'
}
apply() { # the place of the revision in the stream is noted
    revision "$@" >"$dw_dir/items.json"
    dw_cli map apply "$dw_dir/items.json" >/dev/null
    wait_until 15 is_live
}
stands_at() { sql_is crm "select string_agg(revision::text, ',' order by partition) from dualwrite.progress where topic = 'dualwrite.items'" "$1"; }

step start
dw_start reconciler
dw_map "$(revision 1 note)"
dw_start producer
wait_live
worker one
dw_sql erp "insert into item (id) select generate_series(1, 20)"
wait_caught_up items
assert_sql crm "select count(*) from item where rev = '1'" 20
stands_at 1,1 || fail 'revision 1 is in force in both partitions'
worker two
both_work() { [[ $(grep -c '"event":"partition.claimed"' "$dw_dir/two.log") -ge 1 ]]; }
wait_until 20 both_work
# The partition of row 1 is the one that is held.
held=$(dw_events items | awk -F '\t' '$3 == "{\"id\":1}" { print $1; exit }')
other=$((1 - held))

step "two revisions while one partition is held and no worker reaches the state database"
state_away
dw_sql crm "insert into test.hold values (1, 2)"
dw_sql erp "update item set v = 2"
apply 2 note extra
dw_sql erp "update item set v = 3"
apply 3 extra
dw_sql erp "update item set v = 4"
wait_until 20 sql_is crm "select revision from dualwrite.progress where topic = 'dualwrite.items' and partition = $other" 3
assert_sql crm "select revision from dualwrite.progress where topic = 'dualwrite.items' and partition = $held" 1
assert_sql crm "select string_agg(revision::text, ',' order by revision) from dualwrite.map_version where topic = 'dualwrite.items'" 1,2,3

step "a worker is killed between the two: the other goes on by what the stream and the target say"
dw_kill one
takes_both() { [[ $(grep '"event":"partition.claimed"' "$dw_dir/two.log" | grep -o '"partition":[01]' | sort -u | wc -l) == 2 ]]; }
wait_until 30 takes_both
step "held at the second revision"
dw_sql crm "insert into test.hold values (1, 3); delete from test.hold where v = 2"
wait_until 20 sql_is crm "select revision from dualwrite.progress where topic = 'dualwrite.items' and partition = $held" 2

step "all are killed, and the producer sends the stream again"
dw_kill two
dw_kill producer
dw_start producer
wait_live
dw_sql state "alter role worker login"
worker three
wait_until 20 sql_is crm "select count(*) from dualwrite.progress where topic = 'dualwrite.items'" 2
dw_sql crm "delete from test.hold"
dw_sql erp "update item set v = 5"
wait_caught_up items
wait_until 20 stands_at 3,3

step "each change was applied once, in order, by the revision of its place"
assert_journal_rises crm item id
assert_same "select id, v, 3 from item" "select id, v, rev from item"
assert_sql crm "select string_agg(distinct (new->>'v') || ' by ' || (new->>'rev'), ', ' order by (new->>'v') || ' by ' || (new->>'rev')) from test.journal" \
    '1 by 1, 2 by 1, 3 by 2, 4 by 3, 5 by 3'
step "what came again is what came before: rows by the revision of their place, and the markers"
dw_records dualwrite.items | jq -R -c 'split("\t") as [$p, $o, $k, $v] | ($v | fromjson) as $e
    | { at: [$p, $e.source.lsn, $e.source.ordinal], event: { op: $e.op, after: $e.after, message: $e.message } }' >"$dw_dir/records"
assert_eq "$(sort "$dw_dir/records" | uniq -d | wc -l | awk '{ print ($1 > 40) ? "again" : "once" }')" again 'the stream was sent again'
assert_eq "$(jq -s -c 'group_by(.at) | map(select(map(.event) | unique | length > 1)) | length' "$dw_dir/records")" 0 'records of one version that differ'
assert_eq "$(jq -s -c 'map(select(.event.message.prefix == "dualwrite.map") | .at) | unique | length' "$dw_dir/records")" 6 'markers: three revisions in two partitions'
assert_counts_balance

step "a map that is started while the producer runs: its first revision has a place too"
dw_sql erp "create table late (id int primary key, v int not null default 1)"
dw_sql crm "create table late (id int primary key, v int not null default 1, rev text)"
late() { # NUMBER: the map, with a constant that tells its revision
    copy_map lates public.late id v | jq --arg n "$1" '.version = $n + ".0.0" | .columns += [{ target: "rev", default: $n }]'
}
dw_map "$(late 1)"
wait_caught_up lates
dw_stop three
dw_sql erp "insert into late (id) select generate_series(1, 20)"
late_is_published() { [[ $(dw_events lates | wc -l) -ge 20 ]]; }
wait_until 20 late_is_published
late 2 >"$dw_dir/lates.json"
dw_cli map apply "$dw_dir/lates.json" >/dev/null
wait_until 15 is_live
dw_sql erp "insert into late (id) select generate_series(21, 40)"
worker four
wait_caught_up lates
assert_sql crm "select string_agg(rev || ': ' || n, ', ' order by rev) from (select rev, count(*) as n from late group by rev) r" '1: 20, 2: 20'
assert_counts_balance
