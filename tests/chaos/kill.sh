#!/usr/bin/env bash
# Under load, in an order that a seed decides, kill -9 hits producers, workers, reconciler, Kafka, target, source and state
# database, and workers are frozen until they have lost their partitions. Afterwards both sides are equal, the event
# counts balance, and the target's journal shows that nothing was applied twice or out of order.
# usage: kill.sh [--seeds N] [--first SEED] [--rounds N]     default: 3 seeds from 1, 10 faults each (each kind once)
seeds=3 first=1 rounds=10 seed=''
while (($#)); do
    case $1 in
        --seeds) seeds=$2 ;;
        --first) first=$2 ;;
        --rounds) rounds=$2 ;;
        --seed) seed=$2 ;; # one run, in this process
        *) sed -n '5s/^# //p' "$0" >&2; exit 2 ;;
    esac
    shift 2
done
if [[ ! $seed ]]; then
    failed=0
    for ((seed = first; seed < first + seeds; seed++)); do "$0" --seed "$seed" --rounds "$rounds" || failed=1; done
    exit $failed
fi

. "$(dirname "$0")/../support/lib.sh"
dw_name=kill_seed_$seed
RANDOM=$seed
dw_up --pg erp --pg crm --pg state
dw_config '.kafka.partitions = 4' '.producer.heartbeat_ms = 500' '.consumer.batch_rows = 200'

schema="create table account (id int primary key, v bigint not null, note text);
    create table orders (id int primary key, v bigint not null, account int not null references account, body text);
    create table item (company text, id int, v bigint not null, note text, primary key (company, id));
    alter table orders alter column body set storage external"
dw_sql erp "$schema; create sequence version;
    create procedure change(what int, key int) language plpgsql as \$\$
    begin
        -- A row's versions rise in the order of its commits, also where it is deleted and made anew by two sessions.
        if what < 40 or what between 55 and 74 then perform pg_advisory_xact_lock(key); end if;
        if what between 75 and 94 then perform pg_advisory_xact_lock(1, 0); end if;
        if what < 40 then
            update item set v = nextval('version'), note = md5(key::text || what) where company = 'c' || key % 3 and id = key;
        elsif what < 55 then
            update orders set v = nextval('version') where id between key and key + 5;
        elsif what < 65 then
            delete from item where company = 'c' || key % 3 and id = key;
        elsif what < 75 then
            insert into item values ('c' || key % 3, key, nextval('version'), 'new') on conflict do nothing;
        elsif what < 85 then
            delete from orders where account = key % 50 and id % 7 = 0;
            update account set v = nextval('version'), note = repeat('n', what) where id = key % 50;
        elsif what < 95 then
            insert into orders select n, nextval('version'), n % 50, repeat('body ', 1000) from generate_series(key, key + 3) n on conflict do nothing;
        else
            update item set v = nextval('version') where id % 10 = key % 10;
        end if;
    end \$\$"
dw_sql crm "$schema"
printf '\\set what random(0, 99)\n\\set key random(1, 300)\ncall change(:what, :key);\n' >"$dw_dir/load.sql"
step "start"
dw_begin "$(copy_map accounts public.account id v note)" "$(copy_map orders public.orders id v account body)" "$(copy_map items public.item company,id v note)"
dw_start producer standby
dw_start consumer second
for table in account orders; do dw_journal crm $table; done
dw_journal crm item
dw_sql erp "insert into account select n, nextval('version') from generate_series(0, 49) n; insert into orders select n, nextval('version'), n % 50, repeat('body ', 1000) from generate_series(1, 300) n;
    insert into item select 'c' || n % 3, n, nextval('version') from generate_series(1, 300) n"

# The load goes on through the source's own outages.
load() {
    trap 'kill "$client" 2>/dev/null; exit 0' TERM
    local client
    while :; do
        pgbench -n -c 3 -R 150 -T 600 -f "$dw_dir/load.sql" "$(dw_url erp)" >>"$dw_dir/pgbench.out" 2>&1 &
        client=$!
        wait "$client" || true
        sleep 0.2
    done
}
load &
load=$!

# The other worker has all partitions of the three maps: the frozen one's session is over.
has_all() { [[ $(dw_metric "$1" dw_consumer_assigned_partitions) == 12 ]]; }
fault() {
    case $1 in
        producer | standby | consumer | second)
            dw_kill "$1"
            sleep "0.$((RANDOM % 10))"
            case $1 in
                producer | standby) dw_start producer "$1" ;;
                *) dw_start consumer "$1" ;;
            esac ;;
        reconciler)
            dw_kill reconciler
            dw_start reconciler ;;
        kafka | crm | erp | state)
            dw_server kill "$1"
            sleep "$((RANDOM % 2)).$((RANDOM % 10))"
            dw_server start "$1" ;;
        freeze)
            local others=(consumer second) one=$((RANDOM % 2))
            dw_freeze "${others[one]}"
            wait_until 30 has_all "${others[1 - one]}"
            sleep "0.$((RANDOM % 10))"
            dw_continue "${others[one]}" ;;
    esac
}
# A deck of all of them, shuffled anew when it is used up.
deck=()
deal() {
    local left=(producer standby consumer second kafka crm erp state reconciler freeze) at
    while ((${#left[@]})); do
        at=$((RANDOM % ${#left[@]}))
        deck+=("${left[at]}")
        left=("${left[@]:0:at}" "${left[@]:at+1}")
    done
}
sleep 2
for ((round = 1; round <= rounds; round++)); do
    ((${#deck[@]})) || deal
    what=${deck[0]} deck=("${deck[@]:1}")
    step "fault $round of $rounds: $what"
    fault "$what"
    sleep "$((RANDOM % 2)).$((RANDOM % 10))"
done
sleep 1
kill "$load"
wait "$load" || true

step "all quiet: everything arrives"
wait_caught_up accounts orders items --within 120
settled() { sql_is crm "select count(*) from dualwrite.waiting" 0; }
wait_until 60 settled
step "both sides are equal, counts balance, nothing twice"
for table in account orders; do assert_same_tables $table; done
assert_same_tables item
assert_counts_balance
assert_sql crm "select sum(dead) from dualwrite.progress" 0 'dead letters'
for table in account orders; do assert_journal_rises crm $table id; done
dw_sql crm "update test.journal set old = jsonb_set(old, '{id}', to_jsonb(old->>'company' || '/' || (old->>'id'))), new = jsonb_set(new, '{id}', to_jsonb(new->>'company' || '/' || (new->>'id'))) where relation = 'item'"
assert_journal_rises crm item id
for map in accounts orders items; do map_is $map running || fail "map $map is $(map_state $map)"; done
printf '# %s changes in the target\n' "$(dw_sql crm "select count(*) from test.journal")" >&2
