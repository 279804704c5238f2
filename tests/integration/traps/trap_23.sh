#!/usr/bin/env bash
# Trap 23, superseded by less: a dead update of a and b, followed by an applied one that lacks b (unchanged TOAST). The
# letter is not superseded by that, since b would be lost for ever: its replay has the row read again.
. "$(dirname "$0")/../../support/lib.sh"
dw_up
dw_config '.kafka.partitions = 2' '.consumer.breaker_percent = 100'
schema="create table item (id int primary key, v int not null default 1, a int, b text); alter table item alter b set storage external"
dw_sql erp "$schema"
dw_sql crm "$schema; alter table item add constraint positive check (a >= 0)"
step start
dw_begin "$(copy_map items public.item id v a b)"
dw_sql erp "insert into item select n, 1, 1, repeat('x', 10000) from generate_series(1, 4) n"
wait_caught_up items
letter_of() { dw_sql state "select id from dualwrite.dead_letter where convert_from(key, 'UTF8') = '{\"id\":$1}'"; }
state_is() { sql_is state "select state from dualwrite.dead_letter where id = $1" "$2"; }

step "each is followed by one that says less, as much, or all"
dw_sql erp "update item set v = 2, a = -1, b = repeat('y', 10000) where id in (1, 2, 4)"
dw_sql erp "update item set v = 2, a = -1 where id = 3"
wait_letters items 4
for id in 1 2 3 4; do declare "letter_$id=$(letter_of $id)"; done
dw_sql erp "update item set v = 3, a = 3 where id = 1"                          # lacks b
dw_sql erp "update item set v = 3, a = 3, b = repeat('z', 10000) where id = 2" # all of it
dw_sql erp "update item set v = 3, a = 3 where id = 3"                          # lacks b, as the letter does
dw_sql erp "update item set v = 3, a = 3 where id = 4; delete from item where id = 4"
wait_caught_up items
wait_until 10 state_is "$letter_2" superseded
wait_until 10 state_is "$letter_3" superseded
wait_until 10 state_is "$letter_4" superseded
wait_letters items 1
state_is "$letter_1" open || fail 'the letter was superseded by an event that lacks its columns'
assert_sql crm "select v, left(b, 1) from item where id = 1" '3|x' 'the applied event alone'

step "its replay has the row read again"
dw_cli dead-letter replay "$letter_1" --wait 30 >"$dw_dir/out" || fail "the replay: $(<"$dw_dir/out")"
assert_match "$(<"$dw_dir/out")" '1 superseded'
wait_caught_up items
assert_sql crm "select v, left(b, 1) from item where id = 1" '3|y'
assert_same_tables item
none_held() { sql_is crm "select count(*) from dualwrite.held" 0; }
wait_until 10 none_held
assert_counts_balance

step "the row that is read again dies itself: its letter, which says all, takes the place of the older one"
dw_sql erp "update item set v = 4, a = -1, b = repeat('w', 10000) where id = 1"
wait_letters items 1
old=$(dw_sql state "select id from dualwrite.dead_letter where state = 'open'")
dw_sql erp "update item set v = 5, a = 5 where id = 1"
wait_caught_up items
dw_sql crm "alter table item drop constraint positive; alter table item add constraint never check (v < 5) not valid"
! dw_cli dead-letter replay "$old" --wait 30 >"$dw_dir/out" 2>&1 || fail 'the row cannot be written'
assert_match "$(<"$dw_dir/out")" '1 failed again'
wait_letters items 1
new=$(dw_sql state "select id from dualwrite.dead_letter where state = 'open'")
assert_sql state "select state || ' ' || ended_by from dualwrite.dead_letter where id = $old" "superseded dead letter $new, its row read again"
assert_sql state "select attempts || ' ' || (convert_from(value, 'UTF8')::json->'after'->>'v') from dualwrite.dead_letter where id = $new" '2 5'
dw_sql crm "alter table item drop constraint never"
dw_cli dead-letter replay --all --wait 30 >"$dw_dir/out" || fail "the replay: $(<"$dw_dir/out")"
wait_caught_up items
assert_same_tables item
wait_until 10 none_held
assert_counts_balance
