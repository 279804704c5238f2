#!/usr/bin/env bash
# Where changes would be missing the producer stops with a named state instead of going on; an operator may accept that.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config
schema="create table item (id int primary key, v int not null default 1)"
dw_sql erp "$schema"
dw_sql crm "$schema"
step start
dw_begin "$(copy_map items public.item id v)"
dw_sql erp "insert into item values (1)"
wait_caught_up items
sleep 0.5
gap_shows() { [[ $(dw_http producer /readyz) == *"$1"* ]] && sql_is state "select count(*) > 0 from dualwrite.gap where system = 'erp' and closed_at is null and code like 'DW-CAPTURE-%'" t; }
gap() { # NAME SQL: makes a gap while the producer is stopped; it then streams nothing until --accept-gap
    step "$1"
    dw_stop producer
    dw_sql erp "$2" >/dev/null
    dw_sql erp "insert into item select coalesce(max(id), 0) + 1, 9 from item"
    dw_start producer
    wait_until 15 gap_shows "$1"
    is_alive producer || fail 'the producer ended'
    assert_sql erp "select count(*) from pg_replication_slots where active" 0 'a slot is streamed from in spite of the gap'
    assert_match "$(dw_cli status)" "$1|gap"
    dw_kill producer
    dw_start producer -- --accept-gap
    wait_live
    dw_sql erp "insert into item select max(id) + 1, 10 from item"
    wait_caught_up items
}
accepted=0
check_accepted() {
    accepted=$((accepted + 1))
    assert_sql crm "select count(*) from item where v = 10" "$accepted" 'rows written after the gap was accepted'
}
gap slot_missing "select pg_drop_replication_slot('dualwrite_erp')"
check_accepted
gap slot_ahead "insert into item select max(id) + 1, 8 from item; select pg_replication_slot_advance('dualwrite_erp', pg_current_wal_insert_lsn())"
check_accepted
assert_sql state "select count(distinct code) from dualwrite.gap" 2
assert_sql state "select epoch > 1 from dualwrite.position where system = 'erp'" t 'the epoch rose'
assert_counts_balance
