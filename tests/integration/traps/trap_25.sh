#!/usr/bin/env bash
# Trap 25, hot rows: a row that changes all the time is never seen equal from outside, and one that waits for a standby is
# older in the source than in the target. Suspects are judged at a place of the stream: neither is a difference.
. "$(dirname "$0")/../../support/lib.sh"
dw_up --pg erp
dw_config '.producer.heartbeat_ms = 200' '.reconciler.compare_judge_timeout_ms = 3000'
schema="create table item (id int primary key, v bigint not null default 1, big text)"
dw_sql erp "$schema; insert into item select n, n, repeat('x', 3000) from generate_series(1, 2000) n; alter table item alter big set storage external"
dw_sql crm "$schema"
dw_start reconciler
copy_map items public.item id v big >"$dw_dir/items.json"
dw_cli map apply "$dw_dir/items.json" >/dev/null
dw_start producer
dw_start consumer
dw_cli map start items --wait >/dev/null

compare() { # [OPTION…]: sets run
    dw_cli reconcile run items --wait 60 "$@" >"$dw_dir/out" 2>&1 || true
    run=$(dw_sql state "select max(id) from dualwrite.reconcile_run")
    assert_sql state "select state from dualwrite.reconcile_run where id = $run" 'done' "the run ($(tail -n 1 "$dw_dir/out"))"
}
assert_clean() { # WHAT [UNJUDGED]
    assert_sql state "select count(*) from dualwrite.reconcile_difference where run = $run" 0 "differences $1"
    assert_sql state "select unjudged from dualwrite.reconcile_run where id = $run" "${2:-0}" "not judged $1"
}

step "a row that changes all the time"
# In one session, so that it is always in change when somebody looks; unchanged "big" stays out of its events.
dw_sql erp "do \$\$ begin for i in 1..1000000 loop update item set v = v + 1 where id = 7; commit; perform pg_sleep(0.002); end loop; end \$\$" >/dev/null 2>&1 &
hot=$!
wait_until 10 sql_is crm "select v > 100 from item where id = 7" t
for way in hash rows hash; do
    compare --way "$way"
    assert_clean "of a hot row by $way"
done
dw_sql crm "update item set v = -1 where id = 9"
compare
assert_sql state "select string_agg(kind || ' ' || key, ', ') from dualwrite.reconcile_difference where run = $run" 'different ["9"]' 'beside a hot row'
dw_cli reconcile repair "$run" --wait >/dev/null || fail 'not repaired beside a hot row'
dw_sql erp "select pg_terminate_backend(pid) from pg_stat_activity where query like 'do %'" >/dev/null
wait $hot || true
wait_caught_up items
compare
assert_clean 'after it'

step "a commit that waits for a standby"
dw_sql erp "alter system set synchronous_standby_names = 'nobody'"
dw_sql erp "select pg_reload_conf()" >/dev/null
wait_until 5 sql_is erp 'show synchronous_standby_names' nobody
dw_sql erp "update item set v = -100 where id = 11" >/dev/null 2>&1 &
stalled=$!
wait_until 10 sql_is crm "select v from item where id = 11" -100
assert_sql erp "select v from item where id = 11" 11 'the change is seen already: the test shows nothing'
compare
assert_clean 'while it waits' 1
dw_sql erp "alter system reset synchronous_standby_names"
dw_sql erp "select pg_reload_conf()" >/dev/null
wait $stalled
compare
assert_clean 'when it came'
assert_same_tables item
