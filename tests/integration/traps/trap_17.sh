#!/usr/bin/env bash
# Trap 17, streamed before visible: while a transaction waits for a synchronous standby its change is in the stream already,
# and a SELECT still gives the old row. A chunk read then would put the old row over the new one: it is read again instead.
. "$(dirname "$0")/../../support/lib.sh"
dw_up --pg erp
dw_config '.producer.heartbeat_ms = 200'
schema="create table item (id int primary key, v bigint not null default 1)"
dw_sql erp "$schema; create sequence version"
dw_sql crm "$schema"
step start
dw_begin "$(copy_map items public.item id v)"
dw_journal crm item
dw_sql erp "insert into item select n, nextval('version') from generate_series(1, 20) n"
wait_caught_up items
unseen() { grep -q '"event":"sync.unseen"' "$dw_dir/producer.log"; }
stall() { # a change that commits and is not seen
    dw_sql erp "alter system set synchronous_standby_names = 'nobody'"
    dw_sql erp "select pg_reload_conf()" >/dev/null
    wait_until 5 sql_is erp 'show synchronous_standby_names' nobody
    dw_sql erp "update item set v = nextval('version') where id = 7" >/dev/null 2>&1 &
    stalled=$!
    wait_until 10 sql_is crm "select v > 20 from item where id = 7" t
    assert_sql erp "select v from item where id = 7" "$1" 'the change is seen already: the test shows nothing'
}
release() {
    dw_sql erp "alter system reset synchronous_standby_names"
    dw_sql erp "select pg_reload_conf()" >/dev/null
    wait $stalled
}
step "streamed by this producer"
stall 7
order_sync items initial
wait_until 10 unseen
sleep 0.5
assert_sql state "select state from dualwrite.sync" running 'the state of the sync'
release
wait_until 15 syncs_are_published
wait_caught_up items
assert_same_tables item
assert_journal_rises_or_stays() { # a copied row may write the same value again
    assert_sql "$1" "select count(*) from (select coalesce(new, old)->>'id' as id, (new->>'v')::bigint as v, lag((new->>'v')::bigint) over (partition by coalesce(new, old)->>'id' order by n) as last
        from test.journal where relation = '$2') j where v < last" 0 "journal of $2: older values over newer ones"
}
assert_journal_rises_or_stays crm item
step "streamed by the producer before"
value=$(dw_sql erp "select v from item where id = 7")
stall "$value"
sleep 1
dw_stop producer
: >"$dw_dir/producer.log"
dw_start producer
order_sync items resync
wait_until 15 unseen
release
wait_until 15 syncs_are_published
wait_caught_up items
assert_same_tables item
assert_journal_rises_or_stays crm item
