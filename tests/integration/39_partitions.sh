#!/usr/bin/env bash
# More partitions for a map: by the command, under traffic, with the producer and a worker killed in between, during an
# initial sync, while the producer is down, and after an accepted gap. Each change is applied once and in order, and at the
# end both sides are equal.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config '.producer.position_save_ms = 1000'
schema="create table item (id int primary key, v int not null default 1, pad text default repeat('x', 100))"
dw_sql erp "$schema"
dw_sql crm "$schema"
dw_journal crm item
traffic() { # changes of all kinds, until the file is gone
    while [[ -e $dw_dir/traffic ]]; do
        dw_sql erp "update item set v = v + 1 where id % 7 = $((RANDOM % 7));
            insert into item select n, 1000000 from generate_series($((RANDOM % 500 + 1001)), $((RANDOM % 500 + 1001))) n on conflict (id) do update set v = item.v + 1;
            update item set v = v + 1 where id <= 20" >/dev/null
    done
}
begin_traffic() {
    touch "$dw_dir/traffic"
    traffic &
    traffic=$!
}
end_traffic() {
    rm "$dw_dir/traffic"
    wait "$traffic"
    wait_caught_up items --within 40
    assert_same_tables item
}
partitions() { dw_cli map partitions items --json | jq -r '"\(.partitions) of \(.topic_partitions)"'; }

step "what cannot be"
dw_start reconciler
copy_map items public.item id v pad >"$dw_dir/items.json"
dw_cli map apply "$dw_dir/items.json" >/dev/null
code=0
dw_cli map partitions items 4 2>"$dw_dir/err" || code=$?
assert_eq "$code" 1 'exit code'
assert_match "$(<"$dw_dir/err")" 'DW-API-040.*|not there yet'
! dw_cli map partitions nothing 2>"$dw_dir/err" || fail 'a map that is not there has partitions'
assert_match "$(<"$dw_dir/err")" 'there is no map nothing'
dw_start producer
dw_start consumer
dw_sql erp "insert into item select n from generate_series(1, 1000) n"
dw_cli map start items --wait >/dev/null
assert_eq "$(partitions)" '2 of 2'
! dw_cli map partitions items 1 2>"$dw_dir/err" || fail 'fewer partitions'
assert_match "$(<"$dw_dir/err")" 'has 2 partitions, and can only get more'

step "a dry run changes nothing, the command does it, and both are told"
dw_cli map partitions items 3 --dry-run >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'would go from 2 to 3 partitions'
assert_eq "$(partitions)" '2 of 2'
dw_cli map partitions items 3 --wait >"$dw_dir/out"
assert_eq "$(partitions)" '3 of 3'
dw_cli map partitions items 3 >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'has 3 partitions already'
dw_cli map partitions items >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'generation 2: from 2 to 3 partitions'
assert_match "$(dw_cli audit --map items)" 'map.partitions'
assert_match "$(dw_cli audit --map items)" 'map.generation'

step "twice under traffic, with a worker and the producer killed in between"
dw_start consumer second
begin_traffic
sleep 1
dw_cli map partitions items 5 >/dev/null
dw_kill consumer
sleep 0.5
dw_kill producer
dw_kafka topics --alter --topic dualwrite.items --partitions 7 >/dev/null
dw_start producer
dw_start consumer
wait_until 30 has_partitions items 7
sleep 1
end_traffic
assert_journal_rises crm item id
assert_counts_balance

step "while rows are copied again: a row may come once more as it is, and never as it was"
begin_traffic
dw_cli map resync items --rate 400 >/dev/null
copies() { (($(dw_cli sync list --json | jq '[.syncs[].rows_done] | add') > 0)); }
wait_until 15 copies
dw_cli map partitions items 8 --wait >/dev/null
wait_until 40 syncs_are_done
end_traffic
assert_sql crm "select count(*) from (select (new->>'v')::bigint - max((new->>'v')::bigint) over (partition by new->>'id' order by n) as step
    from test.journal where op <> 'DELETE') j where step < 0" 0 'rows as they were'
dw_sql crm "truncate test.journal"
assert_counts_balance

step "while the producer is down"
dw_stop producer
dw_cli map partitions items 9 >/dev/null
dw_sql erp "update item set v = v + 1"
assert_eq "$(partitions)" '8 of 9'
dw_start producer
wait_until 20 has_partitions items 9
dw_sql erp "update item set v = v + 1"
wait_caught_up items
assert_same_tables item

step "a truncate takes effect when all of them have come to it"
dw_sql erp "truncate item; insert into item select n, 9000000 from generate_series(1, 300) n"
wait_caught_up items
assert_same_tables item
assert_sql crm "select count(*) from test.journal where op = 'TRUNCATE'" 1
assert_sql crm "select count(*) from test.journal where new->>'v' = '9000000' and n < (select n from test.journal where op = 'TRUNCATE')" 0

step "a new epoch, while nobody has come to the newest partitions"
dw_kill producer
dw_sql erp "select pg_drop_replication_slot('dualwrite_erp')" >/dev/null
dw_kafka topics --alter --topic dualwrite.items --partitions 10 >/dev/null
dw_start producer -- --accept-gap
wait_live
wait_until 20 has_partitions items 10
dw_sql erp "update item set v = v + 1"
wait_caught_up items
assert_same_tables item
assert_journal_rises crm item id
assert_counts_balance
events=$(dw_cli status --json | jq -r '.maps[] | "\(.events_in) \(.events_out + .dead + .waiting + .lag_events) \(.balanced) \(.partitions)"')
assert_eq "${events#* }" "${events%% *} true 10" 'events in, out, balanced'
wait_until 20 map_is items running
