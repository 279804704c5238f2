#!/usr/bin/env bash
# Trap 24, replay against the duplicate rule: a replayed version is older than the partition's last one, so that rule must
# not decide; the held row does. Later events of the key end the letter, a delete as well as a create, whether they were
# applied before the replay was asked for or stand before it in the topic; one said twice, or late, has no second effect.
. "$(dirname "$0")/../../support/lib.sh"
dw_up
dw_config '.kafka.partitions = 1' '.consumer.breaker_percent = 100'
dw_sql erp "create table item (id int primary key, v int not null default 1, size int)"
dw_sql crm "create table item (id int primary key, v int, size int constraint positive check (size > 0))"
step start
dw_begin "$(copy_map items public.item id v size)"
dw_journal crm item
letter_of() { dw_sql state "select id from dualwrite.dead_letter where convert_from(key, 'UTF8') = '{\"id\":$1}' order by id desc limit 1"; }
state_of() { dw_sql state "select state from dualwrite.dead_letter where id = $1"; }
state_is() { [[ $(state_of "$1") == "$2" ]]; }
none_held() { sql_is crm "select count(*) from dualwrite.held" 0; }

step "v1 dead, v2 delete, v3 create: superseded by themselves"
dw_sql erp "insert into item values (1, 1, -1), (2, 1, -1)"
wait_letters items 2
one=$(letter_of 1) two=$(letter_of 2)
dw_sql erp "delete from item where id in (1, 2)"
wait_caught_up items
dw_sql erp "insert into item values (1, 3, 3)"
wait_caught_up items
wait_until 10 state_is "$one" superseded
wait_until 10 state_is "$two" superseded
wait_until 10 none_held
assert_match "$(dw_cli dead-letter show "$two")" 'the delete 1/'
! dw_cli dead-letter replay "$one" >"$dw_dir/out" 2>&1 || fail 'a superseded letter was replayed'
assert_match "$(<"$dw_dir/out")" 'it is superseded'
assert_same_tables item
assert_counts_balance

step "the replay stands behind delete and create in the topic"
dw_sql erp "insert into item values (3, 1, -1), (4, 1, -1)"
wait_letters items 2
three=$(letter_of 3) four=$(letter_of 4)
pause_map items
dw_sql erp "delete from item where id in (3, 4); insert into item values (3, 3, 3)"
wait_published
dw_sql crm "alter table item drop constraint positive" # nothing but the held row keeps them out
dw_cli dead-letter replay "$three" "$four" >/dev/null
replays_sent() { sql_is state "select count(*) from dualwrite.dead_letter where state = 'replaying' and sent" "$1"; }
wait_until 10 replays_sent 2
dw_cli map resume items >/dev/null
wait_until 15 state_is "$three" superseded
wait_until 10 state_is "$four" superseded
wait_caught_up items
assert_same_tables item
assert_counts_balance

step "the replay stands before them: applied in its place"
dw_sql crm "alter table item add constraint positive check (size > 0)"
dw_sql erp "insert into item values (5, 1, -1), (6, 1, -1)"
wait_letters items 2
five=$(letter_of 5) six=$(letter_of 6)
pause_map items
dw_sql crm "alter table item drop constraint positive"
dw_cli dead-letter replay "$five" "$six" >/dev/null
wait_until 10 replays_sent 2
dw_sql erp "update item set v = 2, size = 7 where id = 5; delete from item where id = 6"
wait_published
dw_cli map resume items >/dev/null
wait_until 15 state_is "$five" applied
wait_until 10 state_is "$six" applied
wait_caught_up items
assert_same_tables item
assert_sql crm "select string_agg(op || coalesce(' ' || (new->>'v'), ''), ', ' order by n) from test.journal
    where coalesce(new, old)->>'id' = '5'" 'INSERT 1, UPDATE 2'
wait_until 10 none_held
assert_counts_balance

step "said twice, and late"
dw_sql crm "alter table item add constraint positive check (size > 0) not valid"
dw_sql erp "insert into item values (7, 1, -1)"
wait_letters items 1
seven=$(letter_of 7)
dw_cli dead-letter replay "$seven" --wait 20 >"$dw_dir/out" 2>&1 && fail 'it cannot be applied yet' || true
assert_match "$(<"$dw_dir/out")" '1 failed again'
assert_eq "$(state_of "$seven")" open
assert_sql state "select attempts from dualwrite.dead_letter where id = $seven" 2
assert_sql state "select count(*) from dualwrite.dead_letter where convert_from(key, 'UTF8') = '{\"id\":7}'" 1 'letters of one event'
dw_sql crm "alter table item drop constraint positive"
dw_cli dead-letter replay "$seven" --wait 20 >"$dw_dir/out" || fail 'the replay did not go through'
assert_eq "$(state_of "$seven")" applied
wait_caught_up items
assert_same_tables item
dw_sql erp "update item set v = 2, size = 8 where id = 7"
wait_caught_up items
# All replays of this topic once more, just as they were.
high=$(high_watermark dualwrite.items 0)
kcat -C -q -e -b "$DW_KAFKA" -t dualwrite.items -p 0 -o beginning -c "$high" -f '%k\t%s\n' | grep -F "$(printf '{"topic":"dualwrite.items"' | base64 -w 0 | cut -c 1-30)" >"$dw_dir/again"
assert_eq "$(wc -l <"$dw_dir/again")" 6 'replays in the topic'
before=$(dw_sql crm "select count(*) from test.journal")
kcat -P -b "$DW_KAFKA" -t dualwrite.items -p 0 -K $'\t' -l "$dw_dir/again"
wait_caught_up items
assert_eq "$(dw_sql crm "select count(*) from test.journal")" "$before" 'effects of replays said twice'
assert_same_tables item
assert_journal_rises crm item id
assert_counts_balance
