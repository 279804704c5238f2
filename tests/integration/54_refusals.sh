#!/usr/bin/env bash
# What refuses again and again: a topic that takes small requests only, a dead-letter topic that takes no letter, a server
# that cannot decode what was changed while the publication was gone. The producer tries less and less often, says why, and
# goes on by itself where that mends it.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config '.producer.compression = "none"' '.producer.topic_outage_ms = 60000'
schema="create table item (id int primary key, v int not null default 1, body text)"
dw_sql erp "$schema"
dw_sql crm "$schema"
dw_begin "$(copy_map items public.item id v body)"
dw_sql erp "insert into item values (1)"
wait_caught_up items
topic_limit() { dw_kafka configs --alter --entity-type topics --entity-name "dualwrite.$1" --add-config max.message.bytes="$2" >/dev/null; }
producer_is() { [[ $(dw_cli status --json | jq -r '.systems[] | select(.system == "erp").producer.state') == "$1" ]]; }
reason() { dw_cli status --json | jq -r '.systems[] | select(.system == "erp").producer.reason'; }
logged() { grep -c "\"event\":\"$1\"" "$dw_dir/producer.log" || true; }
# Lines that were held back count too.
times() { jq -s --arg event "$1" '[.[] | select(.event == $event) | 1 + (.repeated // 0)] | add // 0' "$dw_dir/producer.log"; }

step "a topic takes 8000 bytes: only what is larger by itself is refused"
topic_limit items 8000
dw_sql erp "insert into item select n, 1, repeat('y', 700) from generate_series(100, 500) n"
dw_sql erp "insert into item values (9, 1, repeat('z', 20000)); insert into item values (10, 1, 'behind it')"
wait_caught_up items
assert_same "select * from item where id <> 9"
wait_letters items 1
assert_sql state "select count(*), min(convert_from(key, 'UTF8')) from dualwrite.dead_letter" '1|{"id":9}'
assert_match "$(grep producer.fault "$dw_dir/producer.log")" 'refused records together.*DW-CAPTURE-034'

step "the dead-letter topic takes nothing: nothing is confirmed, the state says why, it is not tried all the time"
topic_limit dead-letters 100
dw_sql erp "insert into item values (11, 1, repeat('z', 20000)); insert into item values (12, 1, 'behind it')"
wait_until 20 producer_is kafka
before=$(times producer.fault)
sleep 4
producer_is kafka || wait_until 5 producer_is kafka
assert_match "$(reason)" 'dualwrite.dead-letters did not take a record'
(($(times producer.fault) - before <= 6)) || fail "tried $(($(times producer.fault) - before)) times in four seconds"
topic_limit dead-letters 1000000
wait_letters items 2 40
wait_caught_up items
assert_same "select * from item where id not in (9, 11)"

step "the publication was gone while changes were made: the server cannot decode them any more, whatever is tried"
dw_sql erp "drop publication dualwrite_erp; insert into item values (13, 1, 'lost')"
wait_until 20 producer_is publication_lost
assert_match "$(reason)" 'publication was dropped while changes were made'
assert_sql state "select count(*) from dualwrite.gap where code = 'DW-CAPTURE-027' and map = '' and closed_at is null" 1
before=$(times stream.ended)
sleep 2
assert_eq "$(times stream.ended)" "$before" 'streams that ended meanwhile'

step "one command goes on behind the gap and copies what may be missing"
assert_match "$(dw_cli status)" 'closes with: dualwrite system resync erp --accept-gap --delete-extra --yes'
dw_sql erp "delete from item where id = 12"
dw_cli system resync erp --accept-gap --delete-extra --dry-run >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'its producer would go on behind the gap'
producer_is publication_lost || fail 'a dry run went on'
dw_cli system resync erp --accept-gap --delete-extra --yes --wait 60 >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'its producer goes on behind the gap'
assert_sql state "select count(*) from dualwrite.gap where closed_at is null" 0 'open gaps'
assert_match "$(dw_cli audit)" 'system.accept_gap'
dw_cli system resync erp --accept-gap --dry-run >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'stands before no gap'
dw_sql erp "update item set v = 2 where id < 100 and id not in (9, 11)"
wait_caught_up items
assert_same "select * from item where id not in (9, 11)"

step "a stream that is cut off again and again is opened less and less often"
before=$(times producer.streaming)
until=$((SECONDS + 5))
while ((SECONDS < until)); do
    dw_sql erp "select count(pg_terminate_backend(active_pid)) from pg_replication_slots where active" >/dev/null
    sleep 0.05
done
(($(times producer.streaming) - before <= 15)) || fail "opened $(($(times producer.streaming) - before)) times in five seconds"
dw_sql erp "update item set v = 3 where id < 100 and id not in (9, 11)"
wait_caught_up items
assert_same "select * from item where id not in (9, 11)"
