#!/usr/bin/env bash
# Trap 11, aliased offsets: the topic is made anew and filled past the stored offset, or loses its tail: a named gap,
# nothing of the other data is applied.
. "$(dirname "$0")/../../support/lib.sh"
dw_up
dw_config '.kafka.partitions = 1'
schema="create table item (id int primary key, v int not null default 1, note text)"
dw_sql erp "$schema"
dw_sql crm "$schema"
step start
dw_begin "$(copy_map items public.item id v note)"
dw_sql erp "insert into item select n, 1, 'right' from generate_series(1, 20) n"
wait_caught_up items
dw_stop consumer
dw_stop producer
recreate() { # RECORDS: the topic made anew, filled with so many events of others
    dw_kafka topics --delete --topic dualwrite.items >/dev/null
    gone() { ! kcat -L -b "$DW_KAFKA" 2>/dev/null | grep -q '"dualwrite.items"'; }
    wait_until 20 gone
    dw_kafka topics --create --topic dualwrite.items --partitions 1 --replication-factor 1 >/dev/null
    [[ $1 == 0 ]] || seq 1 "$1" | awk -v lsn="$lsn" '{ printf "{\"id\":%d}\t{\"op\":\"c\",\"ts_ms\":1,\"source\":{\"name\":\"erp\",\"ts_ms\":1,\"lsn\":%d,\"epoch\":1,\"ordinal\":%d,\"schema\":\"public\",\"table\":\"item\"},\"before\":null,\"after\":{\"id\":%d,\"v\":7,\"note\":\"wrong\"}}\n", 1000 + $1, lsn, $1, 1000 + $1 }' |
        kcat -P -b "$DW_KAFKA" -t dualwrite.items -p 0 -K $'\t'
}
found_gap() { map_is items error; }
step "filled past the offset"
# Newer than what was applied, older than what the source writes later: only the offset tells that they are not ours.
lsn=$(dw_sql erp "select pg_current_wal_lsn() - '0/0'::pg_lsn + 1000")
dw_sql erp "select pg_switch_wal()" >/dev/null
recreate 500
dw_start consumer
wait_until 20 found_gap
assert_match "$(map_code items)" '^DW-APPLY-[0-9]{3}$'
assert_sql crm "select count(*) from item where note = 'wrong'" 0 'records of another history were applied'
assert_match "$(dw_sql state "select reason from dualwrite.map")" '[Oo]ffset|record'
step "an operator accepts it: goes on there"
dw_cli map resume items >/dev/null
dw_start producer
dw_sql erp "update item set v = 2"
wait_caught_up items
assert_same "select id, v from item" "select id, v from item where id <= 1000"
step "a topic that lost its tail"
dw_stop consumer
dw_stop producer
recreate 3
dw_start consumer
wait_until 20 found_gap
is_alive consumer || fail 'the worker ended'
assert_counts_balance
