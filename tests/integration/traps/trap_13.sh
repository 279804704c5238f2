#!/usr/bin/env bash
# Trap 13, a target restored: its progress goes back. That is a rewind, not a lost fence: the events since then are applied
# again, and dead letters of that time get a new incarnation and count once.
. "$(dirname "$0")/../../support/lib.sh"
dw_up --pg crm
dw_config '.consumer.breaker_percent = 100'
schema="create table item (id int primary key, v int not null default 1, size int)"
dw_sql erp "$schema"
dw_sql crm "$schema; alter table item add check (size >= 0)"
step start
dw_begin "$(copy_map items public.item id v size)"
dw_sql erp "insert into item select n, 1, 1 from generate_series(1, 100) n; insert into item values (500, 1, -1)"
wait_caught_up items
wait_letters items 1
dw_stop consumer
dw_server stop crm
data=$dw_dir/servers/pg-crm/data
cp -a "$data" "$dw_dir/image"
dw_server start crm
dw_start consumer
dw_sql erp "update item set v = 2 where id <= 50; insert into item values (501, 1, -1), (502, 1, 5); delete from item where id = 100"
wait_caught_up items
wait_letters items 2
incarnation=$(dw_sql crm "select incarnation from dualwrite.target")
restore() {
    dw_server stop crm
    rm -rf "$data"
    cp -a "$dw_dir/image" "$data"
    dw_server start crm
}
step "restored while the worker runs"
restore
wait_caught_up items --within 40
assert_same "select * from item where size >= 0"
[[ $(dw_sql crm "select incarnation from dualwrite.target") != "$incarnation" ]] || fail 'the target has its old incarnation'
wait_letters items 2
assert_sql state "select count(distinct (topic, partition, record_offset)) from dualwrite.dead_letter where state = 'open'" 2 'open letters'
assert_sql crm "select count(*) from dualwrite.held" 2
assert_counts_balance
step "restored while no worker runs"
dw_sql erp "update item set v = 3 where id <= 50"
wait_caught_up items
dw_stop consumer
restore
dw_start consumer
wait_caught_up items --within 40
assert_same "select * from item where size >= 0"
wait_letters items 2
assert_counts_balance
