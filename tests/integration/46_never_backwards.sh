#!/usr/bin/env bash
# Promise 6 attacked: generated histories of write, fail, partial update, delete, re-create, replay and late replay, while the
# target's constraint comes and goes and workers and reconcilers are killed. Nothing later is ever overwritten by something
# earlier, nothing deleted comes back, and in the end the target is as the source. DW_SEED chooses another history.
. "$(dirname "$0")/../support/lib.sh"
seed=${DW_SEED:-20261}
rounds=${DW_ROUNDS:-45}
keys=12
dw_up
dw_config '.kafka.partitions = 2' '.consumer.breaker_percent = 100' '.reconciler.replay_attempts_max = 1000'
schema="create table item (id int primary key, v int not null, size int, b text); alter table item alter b set storage external"
dw_sql erp "$schema; create sequence change"
dw_sql crm "$schema; alter table item add constraint positive check (size > 0)"
step "start, seed $seed"
dw_begin "$(copy_map items public.item id v size b)"
dw_journal crm item
RANDOM=$seed
# All draws are made by this shell itself: a subshell's would not move the history on.
roll() { r=$((RANDOM % $1)); }
# One change of one row more in $sql; v rises with each. A row that is not there is created.
add_change() {
    local id size=5 big
    roll $keys; id=$r
    roll 16; big="repeat('$(printf %x $r)', 4000)"
    roll 5; ((r < 3)) || size=-5
    roll 6
    case $r in
        0) sql+="delete from item where id = $id;" ;;
        1 | 2) sql+="update item set v = nextval('change'), size = $size where id = $id;" ;; # leaves b out
        3) sql+="update item set v = nextval('change'), size = $size, b = $big where id = $id;" ;;
        *) sql+="insert into item values ($id, nextval('change'), $size, $big) on conflict (id) do update
            set v = excluded.v, size = excluded.size, b = excluded.b;" ;;
    esac
}
change() {
    local n
    sql=
    roll 5
    for ((n = r; n >= 0; n--)); do add_change; done
    dw_sql erp "$sql"
}
# Numbers of some open letters in $ids.
pick_letters() {
    local stride
    roll 7; stride=$((r + 2))
    roll 4
    mapfile -t ids < <(dw_sql state "select id from dualwrite.dead_letter where state = 'open' order by id % $stride, id limit $((r + 1))")
}
replay() { ((${#ids[@]} == 0)) || dw_cli dead-letter replay "${ids[@]}" "$@" >/dev/null 2>&1 || true; } # one may have ended meanwhile
constraint() { dw_sql crm "set client_min_messages = warning; alter table item drop constraint if exists positive; $1"; }

# A row that is read again is written once more as it is; it never falls back. Deleted, it begins above what it had.
assert_never_backwards() {
    assert_sql crm "select count(*) || coalesce(': ' || min(format('%s %s after %s', key, v, last)), '') from (
            select coalesce(new, old)->>'id' as key, (new->>'v')::bigint as v, op,
                max((new->>'v')::bigint) over (partition by coalesce(new, old)->>'id' order by n rows between unbounded preceding and 1 preceding) as last
            from test.journal) j where op <> 'DELETE' and v < last" 0 'changes that went backwards'
}

step "history"
for ((round = 0; round < rounds; round++)); do
    change
    roll 10
    case $r in
        0 | 1 | 2) pick_letters; replay ;;
        3) pick_letters; replay --source-row ;;
        4) constraint '' ;;
        5 | 6) constraint 'alter table item add constraint positive check (size > 0) not valid' ;;
        7) dw_kill consumer
            dw_start consumer ;;
        8) dw_cli map pause items >/dev/null
            change
            dw_cli dead-letter replay --all >/dev/null 2>&1 || true
            change
            dw_cli map resume items >/dev/null ;;
        9) dw_kill reconciler
            dw_start reconciler ;;
    esac
done

step "what was deleted is gone, and nothing went backwards"
jobs_over() { sql_is state "select count(*) from dualwrite.letter_job where state = 'running'" 0; }
wait_until 40 jobs_over
wait_until 30 syncs_are_done
wait_caught_up items --within 40
deleted=$(dw_sql erp "select coalesce(string_agg(n::text, ','), '-1') from generate_series(0, $keys - 1) n where n not in (select id from item)")
assert_sql crm "select count(*) from item where id in ($deleted)" 0 'rows that came back'
# A row may fall back behind the source only while a letter of its key is open.
held=$(dw_sql crm "select coalesce(string_agg(distinct (source_key::json->>0), ','), '-1') from dualwrite.held where outcome is null")
assert_same "select * from item where id not in ($held)"
assert_never_backwards
assert_counts_balance

step "mended: the target ends as the source"
constraint ''
late() { # all that is open, until nothing is
    dw_cli dead-letter replay --state open --wait 40 >"$dw_dir/out" 2>&1 || true
    sql_is state "select count(*) from dualwrite.dead_letter where state not in ('applied', 'superseded', 'void')" 0
}
wait_until 60 late
wait_until 30 syncs_are_done
wait_caught_up items --within 40
assert_same_tables item
assert_never_backwards
assert_counts_balance
[[ $seed != 20261 ]] || assert_sql state "select count(*) > 5 from dualwrite.dead_letter" t 'letters in this history'
