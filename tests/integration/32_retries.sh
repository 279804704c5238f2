#!/usr/bin/env bash
# Serialization failures, deadlocks, lock time-outs and a full disk are of a kind that passes: the batch is tried again in
# place, for ever, with growing pauses; nothing dies, nothing is applied twice, and other maps go on.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config
schema="create table item (id int primary key, v int not null default 1); create table other (id int primary key, v int not null default 1)"
dw_sql erp "$schema"
# A sequence keeps its value when the transaction is rolled back: the trigger fails so many times, then lets through.
dw_sql crm "$schema; create sequence tries; create table plan (sqlstate text, times int);
    create function fail() returns trigger language plpgsql as \$\$
    declare plan record;
    begin
        select * into plan from public.plan;
        if nextval('public.tries') <= plan.times then
            raise exception 'as planned' using errcode = plan.sqlstate;
        end if;
        return new;
    end \$\$;
    create trigger fail before insert on item for each statement execute function fail()"
step start
dw_begin "$(copy_map items public.item id v)" "$(copy_map others public.other id v)"
dw_journal crm item
id=0
for sqlstate in 40001 40P01 55P03 53100 53300 57014; do
    step "$sqlstate"
    dw_sql crm "select setval('tries', 1, false); truncate plan; insert into plan values ('$sqlstate', 5)" >/dev/null
    id=$((id + 1))
    dw_sql erp "insert into item values ($id); insert into other values ($id)"
    wait_caught_up items others
    assert_sql crm "select last_value > 5 from tries" t 'the trigger has failed five times'
    map_is items running || fail "the map is $(map_state items)"
done
assert_same_tables item
assert_same_tables other
assert_sql crm "select count(*) from test.journal where op = 'INSERT'" $id
assert_sql crm "select sum(dead) from dualwrite.progress" 0
step "for ever: it goes on as long as it lasts, with pauses that grow"
dw_sql crm "select setval('tries', 1, false); truncate plan; insert into plan values ('40001', 1000000)" >/dev/null
dw_sql erp "insert into item values (100); insert into other values (100)"
wait_caught_up others
sleep 5
assert_sql crm "select last_value between 8 and 200 from tries" t "attempts in 5 s: $(dw_sql crm 'select last_value from tries')"
map_is items running || fail "the map is $(map_state items)"
assert_eq "$(counted items dead)" 0
dw_sql crm "truncate plan"
wait_caught_up items
assert_same_tables item
assert_counts_balance
