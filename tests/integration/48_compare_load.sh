#!/usr/bin/env bash
# A comparison under load: many short runs of equal sides find nothing, whatever is killed in the middle; damage done meanwhile
# is found all the same; a paused map leaves rows unjudged, and says so. DW_COMPARE_RUNS: how many (default 6).
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config '.producer.heartbeat_ms = 200' '.reconciler.compare_judge_timeout_ms = 30000'
schema="create table item (id int primary key, v bigint not null, name text)"
dw_sql erp "$schema; insert into item select n, n, 'name ' || n from generate_series(1, 20000) n"
dw_sql crm "$schema"
dw_start reconciler
copy_map items public.item id v name >"$dw_dir/items.json"
dw_cli map apply "$dw_dir/items.json" >/dev/null
dw_start producer
dw_start consumer
dw_cli map start items --wait >/dev/null

# Updates, deletes and inserts all over the table, 1,100 a second in each of two sessions; pgbench is not everywhere.
cat >"$dw_dir/load.sql" <<'SQL'
set synchronous_commit = off;
do $$ declare began timestamptz := clock_timestamp(); i bigint := 0; one int; begin loop
    while i < 1100 * extract(epoch from clock_timestamp() - began) loop
        i := i + 1;
        one := 1 + random() * 19999;
        if i % 7 = 0 then delete from item where id = one;
        else insert into item values (one, i, 'new') on conflict (id) do update set v = item.v + 1, name = 'name ' || item.v;
        end if;
        commit; -- one row each: two sessions must not wait for each other
    end loop;
    perform pg_sleep(0.002);
end loop; end $$
SQL
loads=()
start_load() {
    for _ in 1 2; do dw_sql erp <"$dw_dir/load.sql" >/dev/null 2>&1 & loads+=($!); done
    wait_until 10 sql_is crm "select count(*) > 100 from item where v <> id" t
}
stop_load() {
    dw_sql erp "select pg_terminate_backend(pid) from pg_stat_activity where query like 'do %'" >/dev/null
    wait "${loads[@]}" || true
    loads=()
}
order() { dw_sql state "insert into dualwrite.reconcile_run (map, batch, forced_way, by) values ('items', 1, '${1:-}', 'test') returning id"; }
is_over() { sql_is state "select state not in ('waiting', 'running') from dualwrite.reconcile_run where id = $1" t; }
assert_clean() { # RUN
    assert_sql state "select state || ' ' || unjudged || ' ' || (select count(*) from dualwrite.reconcile_difference d where d.run = r.id) from dualwrite.reconcile_run r where id = $1" \
        'done 0 0' "run $1: $(dw_sql state "select string_agg(kind || ' ' || key || ' ' || columns, '; ') from dualwrite.reconcile_difference where run = $1")"
}

changes() { counted items 'applied + superseded'; }

step "runs under load"
start_load
before=$(changes) began=$SECONDS
for ((n = 1; n <= ${DW_COMPARE_RUNS:-6}; n++)); do
    run=$(order "$( ((n % 2)) && echo hash || echo rows)")
    wait_until 60 is_over "$run"
    assert_clean "$run"
    ((n % 10)) || printf '# %d runs, %d changes applied a second\n' "$n" $((($(changes) - before) / (SECONDS - began)))
done
assert_sql state 'select sum(suspects) > 0 from dualwrite.reconcile_run' t 'nothing looked different: the test shows nothing'

step "damage meanwhile"
dw_sql erp "insert into item values (30001, 1, 'quiet'), (30002, 1, 'quiet'), (30003, 1, 'quiet')"
wait_caught_up items
dw_sql crm "update item set name = 'damaged' where id = 30001; delete from item where id = 30002; insert into item values (30009, 1, 'extra')"
for way in hash rows; do
    run=$(order "$way")
    wait_until 60 is_over "$run"
    assert_sql state "select string_agg(kind || ' ' || key, ', ' order by key) from dualwrite.reconcile_difference where run = $run" \
        'different ["30001"], missing ["30002"], extra ["30009"]' "damage under load by $way"
done
dw_cli reconcile repair "$run" --delete-extra --limit 1 --yes --wait >/dev/null || fail 'not repaired under load'
run=$(order)
wait_until 60 is_over "$run"
assert_clean "$run"

step "killed in the middle"
for point in reconciler:compare.before_save reconciler:compare.before_take reconciler:compare.after_take producer:sync.published producer:sync.before_draining consumer:writer_before_commit; do
    kind=${point%%:*}
    dw_stop "$kind"
    dw_start "$kind" "DW_FAULT=${point#*:}:kill:$( [[ $kind == consumer ]] && echo 20 || echo 0)"
    dw_sql crm "update item set name = 'damaged again' where id = 30001"
    run=$(order "$( [[ $point == *save ]] && echo rows || echo hash)")
    wait_until 30 is_gone "$kind"
    unset "dw_pids[$kind]"
    dw_start "$kind"
    wait_until 60 is_over "$run"
    assert_sql state "select string_agg(kind || ' ' || key, ', ' order by key) from dualwrite.reconcile_difference where run = $run" 'different ["30001"]' "killed at $point"
    assert_sql state "select state || ' ' || unjudged from dualwrite.reconcile_run where id = $run" 'done 0' "the run killed at $point"
done
stop_load
wait_caught_up items
dw_sql erp "update item set v = v where id = 30001"
wait_caught_up items
assert_same_tables item

step "nobody judges"
dw_config '.producer.heartbeat_ms = 200' '.reconciler.compare_judge_timeout_ms = 1000'
dw_stop reconciler
dw_start reconciler
wait_until 10 is_ready reconciler
pause_map items
dw_sql erp "update item set v = v + 1 where id in (5, 6, 30003)"
changed=$(dw_sql erp "select count(*) from item where id in (5, 6, 30003)")
! dw_cli reconcile run items --wait >"$dw_dir/out" 2>&1 || fail 'clean while paused'
assert_match "$(<"$dw_dir/out")" "$changed rows? looked different and nobody judged them"
dw_cli map resume items >/dev/null
wait_caught_up items
dw_cli reconcile run items --wait >/dev/null || fail 'not clean after the pause'

step "cancelled"
dw_stop consumer
dw_sql crm "update item set v = -1 where id = 30003"
run=$(dw_cli reconcile run items --rate 1000 --json | jq '.runs[0].run')
wait_until 10 sql_is state "select state from dualwrite.reconcile_run where id = $run" running
dw_cli reconcile cancel "$run" >/dev/null
sleep 2
assert_sql state "select state || (select count(*) from dualwrite.reconcile_suspect) || (select count(*) from dualwrite.sync where kind = 'verify') from dualwrite.reconcile_run where id = $run" cancelled00 'a cancelled run'
peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/${dw_pids[reconciler]}/status")
((peak < 65536)) || fail "the reconciler took $peak KiB"
