#!/usr/bin/env bash
# Trap 20, more partitions: Kafka's own tool gives the topic more of them while one partition is held. The keys that move to
# another partition wait there until all that is older is applied: held rows, rows that wait for a parent, and a partition
# that did not get its mark before the producer was killed.
. "$(dirname "$0")/../../support/lib.sh"
dw_up
dw_config
schema="create table owner (id int primary key, v int not null default 1);
    create table item (id int primary key, v int not null default 1, owner int)"
dw_sql erp "$schema"
dw_sql crm "$schema; alter table item add foreign key (owner) references owner"
step start
dw_begin "$(copy_map owners public.owner id v)" "$(copy_map items public.item id v owner)"
dw_journal crm item
dw_sql erp "insert into item select n from generate_series(1, 200) n"
wait_caught_up items
partitions_of() { dw_events items | awk -F '\t' -v v="$1" 'index($4, "\"v\":" v ",") { print $3, $1 }' | sort; } # of version v
progress_rows() { sql_is crm "select count(*) from dualwrite.progress where map = 'items'" "$1"; }
marks_passed() { # PARTITIONS COUNT: so many have consumed the mark that leads to so many partitions
    sql_is crm "select count(*) from dualwrite.generation g join dualwrite.progress p on p.topic = g.topic
        and (p.epoch, p.commit_lsn) >= (g.epoch, g.commit_lsn) where g.topic = 'dualwrite.items' and g.partitions = $1" "$2"
}
newest() { dw_sql crm "select coalesce(max((new->>'v')::int), 0) from test.journal"; }

step "partition 0 held by a lock on its progress row, then raised from 2 to 5"
dw_session holder crm
dw_say holder "begin; select 1 from dualwrite.progress where map = 'items' and partition = 0 for update" >/dev/null
dw_sql erp "update item set v = 2"
wait_published
raise_partitions items 5
dw_sql erp "update item set v = 3"
wait_published
wait_until 20 marks_passed 5 4
sleep 0.5
assert_eq "$(newest)" 2 'applied before partition 0 had come to the mark'
assert_sql crm "select count(*) > 0 and count(*) < 200 from item where v = 2" t 'what is older is applied where nothing holds it'
moved=$(comm -13 <(partitions_of 2) <(partitions_of 3) | wc -l)
((moved > 20)) || fail "only $moved of 200 keys have moved to another partition"
step "a worker is killed and another one takes over at the mark"
dw_kill consumer
dw_start consumer second
claimed_all() { (($(grep '"event":"partition.claimed"' "$dw_dir/second.log" | grep '"map":"items"' | grep -o '"partition":[0-9]*' | sort -u | wc -l) == 5)); }
wait_until 60 claimed_all
assert_eq "$(newest)" 2 'applied by the second worker before partition 0 had come to the mark'
dw_hush holder
wait_caught_up items --within 60
assert_same_tables item
assert_journal_rises crm item id

step "rows that wait for a parent hold the new generation up"
dw_cli map pause owners >/dev/null
dw_sql erp "insert into owner values (7); update item set v = 4, owner = 7 where id = 1"
wait_until 20 sql_is crm "select count(*) from dualwrite.waiting" 1
raise_partitions items 6
dw_sql erp "update item set v = 5 where id = 1; update item set v = 5 where id = 2"
wait_published
wait_until 20 marks_passed 6 6
sleep 0.5
assert_eq "$(newest)" 3 'applied although a row waits from before the mark'
dw_cli map resume owners >/dev/null
wait_caught_up owners items
assert_same_tables item
assert_sql crm "select string_agg(new->>'v', ',' order by n) from test.journal where new->>'id' = '1' and new->>'v' > '3'" 4,5

step "the producer is killed between the mark of one partition and that of the next"
dw_stop producer
dw_start producer DW_FAULT=producer.between_marks:sleep60000
wait_live
dw_sql erp "update item set v = 6"
wait_caught_up items
before=$(high_watermark dualwrite.items 0)
dw_kafka topics --alter --topic dualwrite.items --partitions 8 >/dev/null
mark_is_in() { dw_records dualwrite.items | awk -F '\t' -v p="$1" -v o="$2" '$1 == p && $2 >= o { print $4 }' |
    jq -r 'select(.op == "m").message | select(.prefix == "dualwrite.generation").content | @base64d' | grep -q '"partitions":8'; }
wait_until 20 mark_is_in 0 "$before"
! mark_is_in 1 0 || fail 'the mark is in partition 1 too'
dw_kill producer
dw_sql erp "update item set v = 7"
dw_start producer
wait_live
wait_until 20 has_partitions items 8
wait_caught_up items
assert_same_tables item
assert_journal_rises crm item id

step "a restored state database does not lower the count"
dw_stop producer
dw_sql state "delete from dualwrite.map_generation; update dualwrite.map set partitions = 2 where name = 'items'"
dw_start producer
wait_live
wait_until 20 has_partitions items 8
assert_sql state "select string_agg(format('%s: %s to %s', generation, before, partitions), ', ' order by generation) from dualwrite.map_generation" \
    '2: 2 to 5, 3: 5 to 6, 4: 6 to 8'
dw_sql erp "update item set v = 8"
wait_caught_up items
assert_same_tables item
assert_journal_rises crm item id
assert_counts_balance
