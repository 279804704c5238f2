#!/usr/bin/env bash
# Trap 12, a source restored from an image: same system identifier, same timeline, another history from there on. The
# producer finds it, behind its position and past it, and starts a new epoch only when an operator accepts the gap.
. "$(dirname "$0")/../../support/lib.sh"
dw_up --pg erp
dw_config
schema="create table item (id int primary key, v int not null default 1, note text)"
dw_sql erp "$schema"
dw_sql crm "$schema"
step start
dw_begin "$(copy_map items public.item id v note)"
dw_sql erp "insert into item select n, 1, 'first' from generate_series(1, 10) n"
wait_caught_up items
sleep 0.5
dw_stop producer
dw_server stop erp
data=$dw_dir/servers/pg-erp/data
cp -a "$data" "$dw_dir/image"
dw_server start erp
dw_start producer
dw_sql erp "update item set v = 2, note = repeat('published', 50); update item set v = 3"
wait_caught_up items
sleep 0.5
restore() {
    dw_stop producer
    dw_server stop erp
    rm -rf "$data"
    cp -a "$dw_dir/image" "$data"
    dw_server start erp
}
gap_is() { [[ $(dw_http producer /readyz) =~ $1 ]] && sql_is state "select count(*) > 0 from dualwrite.gap where system = 'erp' and closed_at is null" t; }
published() { dw_records dualwrite.items | wc -l; }
step "restored, and behind"
restore
before=$(published)
dw_start producer
wait_until 15 gap_is 'server_behind|slot_|history_changed'
step "restored, and written past the position"
dw_stop producer
for _ in 1 2 3 4 5 6; do dw_sql erp "update item set v = v + 10, note = repeat('other history', 100)"; done
dw_start producer
wait_until 15 gap_is 'server_behind|slot_|history_changed'
sleep 1
assert_eq "$(published)" "$before" 'records published in spite of the gap'
epoch=$(dw_sql state "select epoch from dualwrite.position where system = 'erp'")
step "accepted: a new epoch, whose events are newer than all before"
dw_kill producer
dw_start producer -- --accept-gap
wait_live
dw_sql erp "update item set v = v + 1000, note = 'after'"
wait_caught_up items
assert_same_tables item
assert_sql state "select epoch > $epoch from dualwrite.position where system = 'erp'" t
step "the state database restored too, two epochs back: the epoch in the topic counts"
dw_stop producer
dw_sql erp "select pg_drop_replication_slot('dualwrite_erp')" >/dev/null
dw_start producer -- --accept-gap
wait_live
dw_sql erp "update item set v = v + 1"
wait_caught_up items
sleep 1 # the position is saved and told
dw_stop producer
epoch=$(dw_sql state "select epoch from dualwrite.position where system = 'erp'")
dw_sql state "update dualwrite.position set epoch = $epoch - 2 where system = 'erp'"
# An orderly stop has left the last position in the topic: the slot is where it says, and nothing is to be accepted.
dw_start producer
wait_live
dw_sql erp "update item set v = v + 1"
wait_caught_up items
assert_same_tables item
assert_sql state "select epoch >= $epoch from dualwrite.position where system = 'erp'" t 'the epoch went back with the state database'
assert_counts_balance
