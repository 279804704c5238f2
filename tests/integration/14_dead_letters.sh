#!/usr/bin/env bash
# One bad row costs one dead letter: original bytes, Connect's headers and ours, indexed, listed, shown; held in the target.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config '.consumer.breaker_percent = 100' '.consumer.dependency_wait_ms = 500'
dw_sql erp "create table item (id int primary key, v int not null default 1, name text, amount int)"
dw_sql crm "create table item (id int primary key, v int, name varchar(10) not null, amount int check (amount >= 0), unique (name))"
step start
dw_begin "$(copy_map items public.item id v name amount)"
step "one bad row among 2,000 in one transaction"
dw_sql erp "insert into item select n, 1, 'n' || n, case when n = 777 then -1 else n end from generate_series(1, 2000) n"
wait_caught_up items
assert_same "select * from item where id <> 777"
wait_letters items 1
assert_eq "$(counted items dead)" 1
row=$(dw_sql state "select state, class, sqlstate, code <> '', message ~ 'check', convert_from(key, 'UTF8') from dualwrite.dead_letter")
assert_eq "$row" 'open|constraint|23514|t|t|{"id":777}'

step "original bytes and headers"
read -r partition offset < <(dw_sql state "select partition, record_offset from dualwrite.dead_letter" | tr '|' ' ')
kcat -C -q -e -b "$DW_KAFKA" -t dualwrite.items -p "$partition" -o "$offset" -c 1 -f '%k\n%s' >"$dw_dir/original"
kcat -C -q -e -b "$DW_KAFKA" -t dualwrite.dead-letters -o beginning -c 1 -f '%k\n%s' >"$dw_dir/letter"
cmp "$dw_dir/original" "$dw_dir/letter" || fail 'key or value of the dead letter differ from the original'
headers=$(kcat -C -q -e -b "$DW_KAFKA" -t dualwrite.dead-letters -o beginning -c 1 -f '%h')
for header in "__connect.errors.topic=dualwrite.items" "__connect.errors.partition=$partition" "__connect.errors.offset=$offset" \
    __connect.errors.connector.name=dualwrite __connect.errors.stage=TASK_PUT __connect.errors.exception.message= dualwrite.map=items \
    dualwrite.class=constraint dualwrite.sqlstate=23514 dualwrite.revision=1 dualwrite.system=crm dualwrite.incarnation= dualwrite.version=1/ dualwrite.failed_us=; do
    [[ $headers == *"$header"* ]] || fail "header $header is missing in $headers"
done
assert_sql crm "select map, partition, record_offset from dualwrite.held" "items|$partition|$offset"

step "each kind of constraint; the letter's row is not applied, later ones are"
dw_sql erp "insert into item values (3001, 1, null, 1), (3002, 1, 'n1', 1), (3003, 1, 'far too long', 1), (3004, 1, 'good', 1);
    update item set v = 2, amount = -5 where id = 5; update item set v = 2, amount = -6 where id = 6"
wait_letters items 6 20
dw_sql erp "update item set v = 3, amount = 5 where id = 5"
codes=$(dw_sql state "select string_agg(convert_from(key, 'UTF8') || class || sqlstate, ' ' order by convert_from(key, 'UTF8')) from dualwrite.dead_letter")
assert_match "$codes" '"id":3001.(constraint|data)(23502)?'
assert_match "$codes" '"id":3002.(constraint|dependency)23505'
assert_match "$codes" '"id":3003.data'
assert_sql state "select column_name from dualwrite.dead_letter where convert_from(key, 'UTF8') like '%3001%'" name
wait_caught_up items
assert_sql crm "select id, v from item where id in (5, 6, 777, 3001, 3002, 3003, 3004) order by 1" $'5|3\n6|1\n3004|1'

step "list and show"
assert_match "$(dw_cli dead-letter list)" 'items'
assert_eq "$(dw_cli dead-letter list --json | jq -r '[.. | objects | select(has("map"))] | length')" \
    "$(dw_sql state "select count(*) from dualwrite.dead_letter where state = 'open'")" 'letters in list --json'
id=$(dw_sql state "select id from dualwrite.dead_letter where convert_from(key, 'UTF8') like '%777%'")
assert_match "$(dw_cli dead-letter show "$id")" '777'
dw_cli dead-letter show "$id" --json | jq -e 'tostring | test("777") and test("23514")' >/dev/null || fail 'dead-letter show --json'
! dw_cli dead-letter show 999999 >/dev/null 2>&1 || fail 'a letter that is not there was shown'
assert_counts_balance

step "the index is made anew from the topic"
dw_stop reconciler
dw_sql state "truncate dualwrite.dead_letter, dualwrite.dead_letter_offset"
dw_start reconciler
wait_letters items "$(dw_sql crm "select count(*) from dualwrite.held where outcome is null")"
