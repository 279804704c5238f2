#!/usr/bin/env bash
# Dead letters handled: listed, folded, explained; replayed one by one, by conditions and all; given up and purged; what
# cannot be done says why and changes nothing. The reconciler and the worker are killed between any two steps.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config '.kafka.partitions = 2' '.consumer.breaker_percent = 100' '.reconciler.replay_attempts_max = 4'
dw_sql erp "create table item (id int primary key, v int not null default 1, size int, name text)"
dw_sql crm "create table item (id int primary key, v int, size int constraint positive check (size > 0), name varchar(10))"
step start
dw_begin "$(copy_map items public.item id v size name)"
dw_journal crm item
states() { dw_sql state "select string_agg(n || ' ' || state, ', ' order by state) from
    (select state, count(*) as n from dualwrite.dead_letter group by state) s"; }
states_are() { [[ $(states) == "$1" ]]; }
none_held() { sql_is crm "select count(*) from dualwrite.held" 0; }
refused() { # PATTERN COMMAND…: the command says so and ends with 1
    local pattern=$1 code=0
    shift
    dw_cli dead-letter "$@" >"$dw_dir/out" 2>&1 || code=$?
    assert_eq "$code" 1 "exit code of dead-letter $*"
    assert_match "$(<"$dw_dir/out")" "$pattern"
}

step "two causes, many letters: folded, found by conditions, explained"
dw_sql erp "insert into item select n, 1, case when n % 3 = 0 then -1 else n end, case when n % 5 = 1 and n % 3 > 0 then 'far too long' else 'n' end
    from generate_series(1, 60) n"
wait_letters items 28
dw_cli dead-letter list --group --json >"$dw_dir/groups"
assert_eq "$(jq -r '[.groups[] | "\(.count) \(.code) \(.column)"] | sort | join(", ")' "$dw_dir/groups")" '20 DW-APPLY-012 , 8 DW-VALUE-002 name' 'groups'
assert_eq "$(dw_cli dead-letter list --column name --limit 1000 --json | jq '.dead_letters | length')" 8
assert_eq "$(dw_cli dead-letter list --text 'CHECK constraint' --json | jq '.dead_letters | length')" 20
assert_eq "$(dw_cli dead-letter list --key '"id":3}' --json | jq '.dead_letters | length')" 1
assert_eq "$(dw_cli dead-letter list --older 1h --json | jq '.dead_letters | length')" 0
assert_eq "$(dw_cli dead-letter list --newer 1h --class constraint --json | jq '.dead_letters | length')" 20
three=$(dw_cli dead-letter list --key '"id":3}' --json | jq '.dead_letters[0].id')
assert_match "$(dw_cli dead-letter explain "$three")" 'remedy: '
assert_match "$(dw_cli dead-letter explain dw-value-002)" 'remedy: '
assert_match "$(dw_cli dead-letter stats)" '28 letters of 2 causes'

step "what cannot be done"
refused 'there is no dead letter 999' replay 999
refused 'discard needs --yes' discard "$three"
refused 'purge needs --yes' purge --older 0s
refused 'it is open' purge "$three" --yes
refused 'there is no job 99' cancel 99
for filter in 'state=closed' 'older_seconds=-1' 'code=%ff' 'nothing=1'; do
    assert_eq "$(dw_api "/api/v1/dead-letters?$filter" | tail -n 1)" 400 "$filter"
done
for body in '{}' '{"all":true,"map":"items"}' '{"ids":[]}' '{"ids":["x"]}' '{"map":7}' '{"all":true' '{"all":true,"state":"closed"}'; do
    assert_eq "$(dw_api /api/v1/dead-letters/replay -X POST -d "$body" | tail -n 1)" 400 "$body"
done
assert_sql state "select count(*) from dualwrite.letter_job" 0 'jobs of refused requests'
states_are '28 open' || fail "states: $(states)"

step "a dry run changes nothing"
assert_match "$(dw_cli dead-letter replay --code DW-APPLY-012 --dry-run)" '20 dead letters would be looked at'
assert_match "$(dw_cli dead-letter discard --all --dry-run)" '28 dead letters would be looked at'
states_are '28 open' || fail "states: $(states)"

step "a few fail again: the same letters with one more attempt, until the limit"
refused '2 failed again' replay "$three" "$((three + 1))" --wait 20
assert_sql state "select count(*), max(attempts), max(copies) from dualwrite.dead_letter" '28|2|2'
refused 'failed again' replay "$three" --wait 20
refused 'failed again' replay "$three" --wait 20
refused 'replay_attempts_max' replay "$three"
assert_sql crm "select attempts from dualwrite.held h where key = '[\"3\"]'" 4

step "mended, replayed by a condition, while the worker is killed at each point"
dw_sql crm "alter table item alter name type text"
dw_stop producer # a heartbeat would be what the fault finds first
for point in consumer.after_apply writer_before_commit writer_after_commit; do
    dw_stop consumer
    dw_start consumer "DW_FAULT=$point:kill"
    wait_until 20 has_started consumer
    id=$(dw_cli dead-letter list --column name --limit 1 --json | jq '.dead_letters[0].id')
    dw_cli dead-letter replay "$id" >/dev/null
    wait_until 20 is_gone consumer
    unset 'dw_pids[consumer]'
    dw_start consumer
    wait_until 20 sql_is state "select state from dualwrite.dead_letter where id = $id" applied
done
dw_start producer
dw_cli dead-letter replay --column name --wait 30 >"$dw_dir/out" || fail "$(<"$dw_dir/out")"
states_are '8 applied, 20 open' || fail "states: $(states)"
wait_caught_up items
assert_same "select id, v, size, name from item where size > 0"
assert_sql crm "select count(*) from dualwrite.held" 20

step "all of them, while the reconciler is killed at each point"
dw_sql crm "alter table item drop constraint positive"
for point in reconciler.job_before_commit reconciler.job_after_commit reconciler.before_replay reconciler.after_replay \
    reconciler.before_end reconciler.after_end; do
    dw_kill reconciler
    dw_start reconciler "DW_FAULT=$point:kill"
    wait_until 15 is_ready reconciler
    id=$(dw_sql state "select min(id) from dualwrite.dead_letter where state = 'open' and id <> $three")
    dw_cli dead-letter replay "$id" >/dev/null 2>&1 || true # it may die before it answers
    wait_until 20 is_gone reconciler
    unset 'dw_pids[reconciler]'
    dw_start reconciler
    wait_until 20 sql_is state "select state from dualwrite.dead_letter where id = $id" applied
done
dw_cli dead-letter replay "$three" --source-row --wait 30 >"$dw_dir/out" || fail "$(<"$dw_dir/out")"
assert_match "$(<"$dw_dir/out")" '1 superseded'
dw_cli dead-letter replay --all --wait 30 >"$dw_dir/out" || fail "$(<"$dw_dir/out")"
states_are '27 applied, 1 superseded' || fail "states: $(states)"
wait_caught_up items
wait_until 10 none_held
assert_same_tables item
assert_journal_rises crm item id
assert_counts_balance

step "a replay whose record is gone with its topic is not waited for"
dw_sql crm "alter table item add constraint positive check (size > 0) not valid"
dw_sql erp "insert into item select n, 1, -1 from generate_series(101, 110) n"
wait_letters items 10
dw_sql state "update dualwrite.dead_letter set state = 'replaying', sent = true, attempt = 2, state_at = now() - interval '10 min'
    where id = (select min(id) from dualwrite.dead_letter where state = 'open')"
wait_letters items 10
assert_sql state "select count(*) from dualwrite.dead_letter where verdict like '%gone from the topic'" 1

step "given up: counted, and gone for good"
id=$(dw_sql state "select min(id) from dualwrite.dead_letter where state = 'open'")
dw_cli dead-letter discard "$id" --yes --wait 20 --reason 'a test row' >/dev/null
for point in reconciler.after_discard reconciler.after_end; do
    dw_kill reconciler
    dw_start reconciler "DW_FAULT=$point:kill"
    wait_until 15 is_ready reconciler
    dw_cli dead-letter discard --map items --yes >/dev/null 2>&1 || true
    wait_until 20 is_gone reconciler
    unset 'dw_pids[reconciler]'
    dw_start reconciler
    wait_until 20 sql_is state "select count(*) from dualwrite.dead_letter where state in ('open', 'discarding')" 0
    [[ $point != *discard ]] || { dw_sql erp "insert into item values (111, 1, -1)"; wait_letters items 1; }
done
refused 'it is discarded' replay "$id"
assert_eq "$(dw_api /api/v1/dead-letters/replay -X POST -d "{\"ids\":[$id]}" | tail -n 1)" 409
wait_until 10 none_held
assert_sql crm "select sum(discarded) from dualwrite.held_end" 11
assert_eq "$(dw_cli status --json | jq '[.. | objects | select(has("discarded")) | .discarded] | max')" 11 'discarded, in the status'
assert_sql state "select count(*) > 0 from dualwrite.audit_log where action = 'letters.discard' and detail->>'reason' = 'a test row'" t
assert_counts_balance

step "purged"
assert_match "$(dw_cli dead-letter purge --state discarded --yes --wait 20)" '11 purged'
assert_sql state "select count(*) from dualwrite.dead_letter" 28
assert_match "$(dw_cli dead-letter jobs)" 'purge'

step "a row that is read again and dies again: one letter of it, with one more attempt"
dw_sql erp "insert into item values (201, 1, -1), (202, 1, -1)"
wait_letters items 2
before=$(dw_sql state "select string_agg(id::text, ',') from dualwrite.dead_letter where state = 'open'")
attempts_are() { sql_is state "select string_agg(convert_from(key, 'UTF8') || ' ' || attempts, ', ' order by convert_from(key, 'UTF8')) from dualwrite.dead_letter
    where state not in ('applied', 'superseded', 'discarded')" "$1"; }
refused '2 failed again' replay --map items --source-row --wait 30
wait_until 10 attempts_are '{"id":201} 2, {"id":202} 2'
assert_sql state "select count(*) from dualwrite.dead_letter where id in ($before) and state = 'superseded' and ended_by ~ '^dead letter [0-9]+, its row read again$'" 2 'what the letters ended by'
dw_cli map resync items --key 201 --wait 30 >/dev/null
wait_until 10 attempts_are '{"id":201} 3, {"id":202} 2'
refused '1 failed again' replay --key '[201]' --source-row --wait 30
wait_until 10 attempts_are '{"id":201} 4, {"id":202} 2'
refused 'replay_attempts_max' replay "$(dw_sql state "select id from dualwrite.dead_letter where state = 'open' and attempts = 4")"
wait_until 10 sql_is crm "select count(*) from dualwrite.held" 2
dw_sql crm "alter table item drop constraint positive"
dw_cli dead-letter replay --key '[202]' --source-row --wait 30 >"$dw_dir/out" || fail "$(<"$dw_dir/out")"
dw_cli map resync items --key 201 --wait 30 >/dev/null
wait_until 10 none_held
assert_same "select * from item where id > 200"
assert_counts_balance
