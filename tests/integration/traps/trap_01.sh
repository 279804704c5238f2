#!/usr/bin/env bash
# Trap 1, published twice: the producer dies between Kafka's acknowledgement and its confirmation to the slot, and sends
# everything again; old records also come late. Each change has its effect once, in order.
. "$(dirname "$0")/../../support/lib.sh"
dw_up
dw_config '.producer.position_save_ms = 60000' '.producer.heartbeat_ms = 3600000'
schema="create table item (id int primary key, v bigint not null default 1)"
dw_sql erp "$schema; create sequence version"
dw_sql crm "$schema"
step start
dw_begin "$(copy_map items public.item id v)"
dw_journal crm item
dw_sql erp "insert into item select n, nextval('version') from generate_series(1, 20) n"
wait_caught_up items
dw_stop producer

step "killed between acknowledgement and confirmation"
for n in 1 2 3 4 5; do dw_sql erp "update item set v = nextval('version') where id % 5 = $n % 5; update item set v = nextval('version') where id = $n"; done
dw_start producer producer DW_FAULT=producer.after_ack_before_confirm:kill
wait_until 15 is_gone producer
dw_start producer
dw_sql erp "update item set v = nextval('version')"
wait_caught_up items
assert_same_tables item
twice=$(dw_events items | grep -o '"lsn":[0-9]*,"epoch":[0-9]*,"ordinal":[0-9]*' | sort | uniq -d | wc -l)
((twice > 0)) || fail 'nothing was published twice: the test tests nothing'
(($(counted items duplicate) >= twice)) || fail "$twice events were published twice, $(counted items duplicate) counted as duplicates"
assert_journal_rises crm item id

step "a late request of an old producer: every record once more"
for partition in 0 1; do
    kcat -C -q -e -b "$DW_KAFKA" -t dualwrite.items -p $partition -o beginning -f '%k\t%s\n' >"$dw_dir/again"
    kcat -P -b "$DW_KAFKA" -t dualwrite.items -p $partition -K $'\t' <"$dw_dir/again"
done
before=$(dw_sql crm "select count(*) from test.journal")
dw_sql erp "update item set v = nextval('version') where id = 1"
wait_caught_up items
assert_same_tables item
assert_sql crm "select count(*) from test.journal" $((before + 1)) 'effects of old records'
assert_journal_rises crm item id
assert_counts_balance
