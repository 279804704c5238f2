#!/usr/bin/env bash
# Trap 2, a waiting row and one offset: 10,000 events behind a waiting one are applied, then the worker is killed: neither
# is anything applied twice nor is the waiting event lost.
. "$(dirname "$0")/../../support/lib.sh"
dw_up
dw_config '.kafka.partitions = 1'
schema="create table parent (id int primary key, v int not null default 1); create table child (id int primary key, v bigint not null default 1, parent int references parent)"
dw_sql erp "$schema"
dw_sql crm "$schema; insert into parent values (1)"
step start
dw_begin "$(copy_map children public.child id v parent)"
dw_journal crm child
dw_sql erp "insert into parent values (1), (2); insert into child values (1, 1, 2); insert into child select n, 1, 1 from generate_series(2, 10001) n"
wait_caught_up children
assert_sql crm "select count(*) from child" 10000
assert_sql crm "select waiting from dualwrite.progress" 1
step "killed with the waiter"
dw_kill consumer
dw_start consumer
dw_sql erp "update child set v = 2 where id in (1, 2)"
wait_caught_up children
assert_sql crm "select count(*) from child where id = 1" 0
assert_sql crm "select waiting from dualwrite.progress" 2 'the later event of the key waits behind it'
step "the parent comes"
dw_sql crm "insert into parent values (2)"
settled() { sql_is crm "select count(*) from dualwrite.waiting" 0; }
wait_until 20 settled
assert_same_tables child
assert_journal_rises crm child id
assert_sql crm "select count(*) from test.journal where op = 'INSERT'" 10001
assert_eq "$(counted children dead)" 0
assert_counts_balance

step "with too many waiting the partition stops fetching, and loses nothing"
dw_stop consumer
jq '.consumer.waiting_rows_max = 50' "$dw_dir/dualwrite.json" >"$dw_dir/x" && mv "$dw_dir/x" "$dw_dir/dualwrite.json"
dw_sql erp "insert into parent values (3); insert into child select n, 1, 3 from generate_series(20001, 20500) n"
dw_start consumer
held_back() { sql_is crm "select count(*) between 50 and 499 from dualwrite.waiting" t; }
wait_until 20 held_back
sleep 1
held_back || fail 'the bound of waiting rows is passed'
dw_sql crm "insert into parent values (3)"
wait_caught_up children
wait_until 20 settled
assert_same_tables child
assert_counts_balance

step "what waits is bounded by its bytes too, over all partitions"
dw_sql erp "create table large (id int primary key, v int not null default 1, parent int references parent, note text)"
dw_sql crm "create table large (id int primary key, v int not null default 1, parent int references parent, note text)"
dw_stop consumer
jq '.consumer.waiting_rows_max = 10000 | .consumer.queue_bytes = 1048576 | .consumer.batch_bytes = 65536 | .kafka.partitions = 4' "$dw_dir/dualwrite.json" >"$dw_dir/x" && mv "$dw_dir/x" "$dw_dir/dualwrite.json"
dw_stop reconciler # a map's partitions are counted by its settings
dw_start reconciler
dw_map "$(copy_map large public.large id v parent note)"
dw_sql erp "insert into parent values (4); insert into large select n, 1, 4, repeat(md5(n::text), 64) from generate_series(1, 3000) n"
dw_start consumer
stands() { # the partitions have stopped
    local before
    before=$(dw_sql crm "select count(*) from dualwrite.waiting where map = 'large'")
    sleep 1.5
    [[ $before -gt 300 && $before == "$(dw_sql crm "select count(*) from dualwrite.waiting where map = 'large'")" ]]
}
wait_until 30 stands
assert_sql crm "select count(distinct partition), sum(length(event)) < 2097152 from dualwrite.waiting where map = 'large'" '4|t' 'partitions with waiting rows, and their bytes within bounds'
dw_sql crm "insert into parent values (4)"
wait_caught_up large --within 40
wait_until 20 settled
assert_same_tables large
assert_counts_balance
