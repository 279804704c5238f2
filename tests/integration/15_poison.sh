#!/usr/bin/env bash
# What does not belong on a map's topic is a dead letter with its bytes; the partition goes on, the worker lives.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config '.kafka.partitions = 1' '.consumer.breaker_percent = 100'
schema="create table item (id int primary key, v int not null default 1, note text)"
dw_sql erp "$schema"
dw_sql crm "$schema"
step start
dw_begin "$(copy_map items public.item id v note)"
dw_sql erp "insert into item values (1)"
wait_caught_up items
topic=dualwrite.items
event() { # ID JSON_OF_AFTER [OP]: an event as Debezium writes it
    printf '{"op":"%s","ts_ms":1,"source":{"name":"erp","ts_ms":1,"schema":"public","table":"item","lsn":1},"before":null,"after":%s}' "${3:-c}" "$2"
}
bad() { # WHAT, value on standard input: publishes it under the key {"id":N}
    count=$((count + 1))
    cat >"$dw_dir/poison.$count"
    kcat -P -b "$DW_KAFKA" -t $topic -p 0 -k "{\"id\":$((1000 + count))}" -X message.max.bytes=33554432 "$dw_dir/poison.$count"
}
count=0
shopt -s lastpipe # bad, at the end of a pipe, counts
step "poison of many kinds"
printf 'not json' | bad
printf '{"op":"c"' | bad
printf '{"op":"c","after":{"id":1' | bad
printf '[]' | bad
printf '"text"' | bad
printf '{}' | bad
printf '{"op":"z","source":{},"after":{}}' | bad
printf '{"op":7,"source":{},"after":{}}' | bad
event 9 '{"id":"x","v":1}' | bad
event 9 '{"id":{"a":1},"v":1}' | bad
event 9 '{"v":1}' | bad
event 9 null | bad
event 9 '[1,2]' | bad
event 9 "{\"id\":9,\"v\":1,\"note\":\"$(printf '\xff\xfe')\"}" | bad
event 9 '{"id":9,"v":1,"note":"\ud800"}' | bad
event 9 '{"id":9,"v":1,"note":"a\u0000b"}' | bad
event 9 '{"id":99999999999999999999,"v":1}' | bad
{ printf '{"op":"c","after":'; head -c 100000 /dev/zero | tr '\0' '['; } | bad
{ printf '{"op":"c","after":'; for ((i = 0; i < 5000; i++)); do printf '{"a":'; done; } | bad
head -c 16000000 /dev/zero | tr '\0' 'x' | bad
{ printf '{"op":"c","note":"'; head -c 16000000 /dev/zero | tr '\0' 'x'; } | bad
printf '\x00\x01\x02\x03' | bad
wait_letters items $count 30
step "the bytes are kept"
for ((n = 1; n <= count; n++)); do
    assert_sql state "select md5(value) = '$(md5sum <"$dw_dir/poison.$n" | cut -d ' ' -f 1)', class in ('format', 'data'), code ~ '^DW-(EVENT|VALUE|APPLY)-[0-9]{3}\$', message <> '' from dualwrite.dead_letter
        where convert_from(key, 'UTF8') = '{\"id\":$((1000 + n))}'" 't|t|t|t' "bytes and reason of poison $n"
done
step "foreign records: without a key, with another, tombstones, control records of nobody"
event 50 '{"id":50,"v":1}' >"$dw_dir/nokey"
kcat -P -b "$DW_KAFKA" -t $topic -p 0 "$dw_dir/nokey"
kcat -P -b "$DW_KAFKA" -t $topic -p 0 -k '{"id":60}' -Z /dev/null
kcat -P -b "$DW_KAFKA" -t $topic -p 0 -k 'not json' "$dw_dir/nokey"
kcat -P -b "$DW_KAFKA" -t $topic -p 0 -k '' -Z /dev/null
printf '{"op":"m","ts_ms":1,"source":{"name":"erp"},"message":{"prefix":"foreign","content":"eA=="}}' | dw_publish $topic 0 m
printf '{"op":"m","ts_ms":1,"source":{"name":"erp"},"message":{"prefix":"dualwrite.heartbeat","content":"!!"}}' | dw_publish $topic 0 m
step "records of another system, far ahead of ours: dead, and ours are no duplicates of them"
for op in c u r; do
    printf '{"op":"%s","ts_ms":1,"source":{"name":"elsewhere","ts_ms":1,"schema":"public","table":"item","lsn":9000000000000000000,"epoch":7,"ordinal":1},"before":null,"after":{"id":70,"v":1,"note":null}}' $op |
        dw_publish $topic 0 '{"id":70}'
done
letters_of_system() { sql_is state "select count(*) from dualwrite.dead_letter where code = 'DW-APPLY-210' and class = 'format'" 3; }
wait_until 20 letters_of_system
assert_sql crm "select count(*) from item where id = 70" 0
step "the stream goes on"
dw_sql erp "insert into item values (2, 1, 'after the poison'); update item set v = 2 where id = 1"
wait_caught_up items --within 30
assert_same "select * from item where id <= 2" "select * from item where id <= 2"
is_alive consumer || fail 'the worker died'
is_alive reconciler || fail 'the reconciler died'
dw_cli dead-letter list >/dev/null || fail 'dead-letter list'
for id in $(dw_sql state "select id from dualwrite.dead_letter order by id limit 30"); do dw_cli dead-letter show "$id" >/dev/null || fail "dead-letter show $id"; done
assert_counts_balance
step "poison on the dead-letter topic itself"
printf 'junk' | dw_publish dualwrite.dead-letters 0 k
dw_sql erp "insert into item values (3, 1, 'x')"
wait_caught_up items
is_healthy reconciler || fail 'the reconciler is not healthy'
