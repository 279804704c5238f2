#!/usr/bin/env bash
# The index of the dead-letter topic: each record once whatever is killed, and only those letters count that the target holds.
# No producer and no worker run here: the records and the target's rows are made by hand, so that every order is possible.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config
schema="create table item (id int primary key, v int not null default 1)"
dw_sql erp "$schema"
dw_sql crm "$schema"
dw_sql crm <"$dw_root/consumer/write_postgres/target_schema.sql"
topic=dualwrite.dead-letters
dw_start reconciler
wait_until 15 is_ready reconciler
dw_map "$(copy_map items public.item id v)"
indexed() { dw_sql state "select count(*) from dualwrite.dead_letter where letter_topic = '$topic'"; }
indexed_is() { [[ $(indexed) == "$1" ]]; }
state_of() { dw_sql state "select state from dualwrite.dead_letter where record_offset = $1 order by id"; }
state_is() { [[ $(state_of "$1") == "$2" ]]; }
incarnation() { dw_sql crm "select incarnation from dualwrite.target"; }
# letter OFFSET [HEADER]…: a dead letter as a worker writes it, for a record of partition 0.
letter() {
    local offset=$1 headers=() header
    shift
    for header in __connect.errors.topic=dualwrite.items __connect.errors.partition=0 "__connect.errors.offset=$offset" \
        __connect.errors.stage=TASK_PUT __connect.errors.exception.message=refused dualwrite.map=items dualwrite.revision=1 \
        dualwrite.code=DW-APPLY-001 dualwrite.class=constraint dualwrite.system=crm "dualwrite.incarnation=$(incarnation)" \
        "dualwrite.version=1/0/$offset" "$@"; do headers+=(-H "$header"); done
    printf '{"op":"c","after":{"id":"%s"}}' "$offset" | kcat -P -b "$DW_KAFKA" -t $topic -p 0 -k "{\"id\":$offset}" "${headers[@]}"
}
progress() {
    dw_sql crm "insert into dualwrite.progress values ('dualwrite.items', 0, 'items', 1, $1, 0, 1, '0/1', 0, 0, 0, $1, 0, 0, 0, 0, 0, 0, 0)
        on conflict (topic, partition) do update set next_offset = $1, applied = $1"
}
hold() { dw_sql crm "insert into dualwrite.held values ('dualwrite.items', 0, $1, 'items', '{}', 1, '0/1', 0, 'DW-APPLY-001')"; }

step "a letter counts once the target holds it"
letter 10
wait_until 15 state_is 10 unconfirmed
sleep 1.5
assert_eq "$(state_of 10)" unconfirmed 'before the commit'
hold 10
progress 11
wait_until 10 state_is 10 open

step "a letter whose event was applied after all is void"
letter 11
wait_until 15 state_is 11 unconfirmed
progress 12
wait_until 10 state_is 11 void

step "a letter whose event waits for its parent is not void yet"
dw_sql crm "insert into dualwrite.waiting values ('dualwrite.items', 0, 12, 'items', '{}', '', '', 1, '0/1', 0, 'x', 'x')"
progress 13
letter 12
sleep 2.5
assert_eq "$(state_of 12)" unconfirmed 'while it waits'
dw_sql crm "begin; delete from dualwrite.waiting; insert into dualwrite.held values ('dualwrite.items', 0, 12, 'items', '{}', 1, '0/1', 0, 'x'); commit"
wait_until 10 state_is 12 open

step "written twice is one letter; the later reason shows"
letter 10 dualwrite.code=DW-APPLY-002
copies() { sql_is state "select copies || code from dualwrite.dead_letter where record_offset = 10" 2DW-APPLY-002; }
wait_until 10 copies
assert_eq "$(state_of 10)" open

step "by reference: open at once, one per version"
for _ in 1 2; do
    printf '{"id":1}|\n' | kcat -P -b "$DW_KAFKA" -t $topic -p 0 -K '|' -Z -H __connect.errors.stage=KAFKA_PRODUCE \
        -H dualwrite.map=items -H dualwrite.code=DW-KAFKA-005 -H dualwrite.system=erp -H dualwrite.version=1/5/0
done
references() { sql_is state "select count(*) || state || max(copies) from dualwrite.dead_letter where kind = 'reference' group by state" 1open2; }
wait_until 10 references

step "another incarnation: the letter of the present one stands for the record"
dw_sql crm "update dualwrite.target set incarnation = gen_random_uuid()"
letter 12
twins() { [[ $(state_of 12) == $'void\nopen' ]]; }
wait_until 15 twins
wait_until 10 state_is 10 open

step "whatever else stands on the topic is foreign"
before=$(indexed)
printf 'junk' | dw_publish $topic 0 k
printf '|\n' | kcat -P -b "$DW_KAFKA" -t $topic -p 0 -K '|' -Z
letter x
letter 99999999999999999999
printf 'a\0b' >"$dw_dir/nul"
kcat -P -b "$DW_KAFKA" -t $topic -p 0 -k k -H "dualwrite.map=$(printf '\xff\xfe')" -H a "$dw_dir/nul"
head -c 15000000 /dev/urandom >"$dw_dir/large"
kcat -P -b "$DW_KAFKA" -t $topic -p 0 -k k -X message.max.bytes=33554432 "$dw_dir/large" 2>/dev/null || printf 'small\n' | dw_publish $topic 0 k
wait_until 20 indexed_is $((before + 6))
assert_sql state "select count(*) from dualwrite.dead_letter where state = 'foreign'" 6
for id in $(dw_sql state "select id from dualwrite.dead_letter"); do
    dw_cli dead-letter show "$id" >"$dw_dir/out" || fail "dead-letter show $id"
    dw_cli dead-letter show "$id" --json | jq -e .id >/dev/null || fail "dead-letter show $id --json"
done
dw_cli dead-letter list --state foreign --limit 2 >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'more: --after'

step "killed before and after a commit"
before=$(indexed)
for point in reconciler.before_commit reconciler.after_commit reconciler.before_index; do
    dw_stop reconciler
    dw_start reconciler DW_FAULT=$point:kill
    wait_until 15 is_ready reconciler
    seq 1000 | kcat -P -b "$DW_KAFKA" -t $topic -p 0
    wait_until 20 is_gone reconciler
    unset 'dw_pids[reconciler]'
    dw_start reconciler
    expected=$((${expected:-$before} + 1000))
    wait_until 20 indexed_is $expected # else the next fault fires at the start
done

step "killed at any time"
(for _ in {1..20}; do seq 500 | kcat -P -b "$DW_KAFKA" -t $topic -p 0; sleep 0.2; done) &
writer=$!
for _ in {1..6}; do
    sleep 0.$((RANDOM % 9))
    dw_kill reconciler
    dw_start reconciler
done
wait "$writer"
wait_until 30 indexed_is $((before + 13000))
sleep 1
assert_sql state "select count(*) - count(distinct letter_offset) from dualwrite.dead_letter where kind = 'foreign'" 0 'records indexed twice'
assert_eq "$(indexed)" $((before + 13000))

step "two at the same time: one indexes, the other waits"
dw_start reconciler second
sleep 1
assert_eq "$(dw_http second /readyz | tail -n 1)" 503
seq 2000 | kcat -P -b "$DW_KAFKA" -t $topic -p 0
dw_kill reconciler
wait_until 15 is_ready second
wait_until 20 indexed_is $((before + 15000))

step "the topic is made anew"
dw_stop second
dw_kafka topics --delete --topic $topic >/dev/null
gone() { ! dw_kafka topics --list | grep -qx $topic; }
wait_until 15 gone
dw_kafka topics --create --topic $topic --partitions 1 >/dev/null
seq 20000 | kcat -P -b "$DW_KAFKA" -t $topic -p 0
dw_start reconciler
wait_until 30 indexed_is $((before + 35000))
