#!/usr/bin/env bash
# When too large a share of a map's events dies, the map is paused instead of filling the dead-letter topic.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config '.consumer.breaker_min_events = 20' '.consumer.breaker_percent = 30' '.consumer.batch_rows = 50'
dw_sql erp "create table item (id int primary key, v int not null default 1, size int); create table other (id int primary key, v int not null default 1)"
dw_sql crm "create table item (id int primary key, v int, size int check (size > 0)); create table other (id int primary key, v int)"
step start
dw_begin "$(copy_map items public.item id v size)" "$(copy_map others public.other id v)"
step "below the share: goes on"
dw_sql erp "insert into item select n, 1, case when n % 10 = 0 then -1 else 1 end from generate_series(1, 100) n"
wait_caught_up items
wait_letters items 10
map_is items running || fail "the breaker opened below its share"
step "above it: paused with the reason, the other map goes on"
dw_sql erp "insert into item select n, 1, -1 from generate_series(1001, 5000) n; insert into other values (1)"
wait_until 20 map_is items error
assert_match "$(map_code items)" '^DW-APPLY-[0-9]{3}$'
wait_caught_up others
assert_same_tables other
dead=$(dw_sql crm "select count(*) from dualwrite.held where map = 'items'")
((dead < 4000)) || fail "all 4,000 died before the breaker opened"
step "mended and resumed: what had not died is applied"
dw_sql crm "alter table item drop constraint item_size_check"
dw_cli map resume items >/dev/null
wait_caught_up items
assert_sql crm "select count(*) + (select count(*) from dualwrite.held where map = 'items') from item" 4100
assert_counts_balance
step "events that wait, tried again and again, do not water the share down"
dw_sql erp "create table late (id int primary key, v int not null default 1, size int, kind int)"
dw_sql crm "create table kind (id int primary key); create table late (id int primary key, v int, size int check (size > 0), kind int references kind)"
dw_map "$(copy_map late public.late id v size kind)"
dw_sql erp "insert into late select n, 1, 1, 9 from generate_series(1, 400) n"
wait_caught_up late
assert_sql crm "select sum(waiting) from dualwrite.progress where map = 'late'" 400
sleep 4
dw_sql erp "insert into late select n, 1, -1 from generate_series(1001, 1300) n"
wait_until 20 map_is late error
assert_eq "$(map_code late)" DW-APPLY-203 'the code of the open breaker'
assert_eq "$(counted late waiting)" 400 'events that wait'
