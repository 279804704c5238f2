#!/usr/bin/env bash
# Where changes would be missing the producer stops with a named state instead of going on; an operator may accept that.
. "$(dirname "$0")/../support/lib.sh"
dw_up --pg erp:max_slot_wal_keep_size=1MB
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
gap() { # NAME COMMAND…: makes a gap while the producer is stopped; it then streams nothing until --accept-gap
    step "$1"
    dw_stop producer
    "${@:2}" >/dev/null
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
gap slot_missing dw_sql erp "select pg_drop_replication_slot('dualwrite_erp')"
check_accepted
advance() {
    dw_sql erp "insert into item select max(id) + 1, 8 from item"
    dw_sql erp "select pg_replication_slot_advance('dualwrite_erp', pg_current_wal_flush_lsn())"
}
gap slot_ahead advance
check_accepted
# The server throws WAL away that the slot still needs: it must not fill the source's disk.
outgrow() {
    for _ in 1 2 3 4; do dw_sql erp "insert into item select max(id) + 1, 7 from item; select pg_switch_wal()"; done
    dw_sql erp "checkpoint"
    assert_sql erp "select wal_status from pg_replication_slots where slot_name = 'dualwrite_erp'" lost
}
gap slot_lost outgrow
check_accepted
# A promoted standby: another timeline, and without the slot.
promote() {
    dw_server stop erp
    rm -rf "$dw_dir/servers/pg-erp/data/pg_replslot/dualwrite_erp"
    touch "$dw_dir/servers/pg-erp/data/standby.signal"
    chown --reference="$dw_dir/servers/pg-erp/data/PG_VERSION" "$dw_dir/servers/pg-erp/data/standby.signal"
    dw_server start erp
    dw_sql erp "select pg_promote()"
    wait_until 20 sql_is erp "select pg_is_in_recovery()" f
}
gap timeline_changed promote
check_accepted
step "each gap is on record with its code, and one re-sync settles what was missed"
assert_sql state "select string_agg(distinct code, ',' order by code) from dualwrite.gap" 'DW-CAPTURE-020,DW-CAPTURE-021,DW-CAPTURE-022,DW-CAPTURE-024'
order_sync items resync "delete_extra = true"
wait_until 30 syncs_are_done
assert_same_tables item
assert_sql state "select epoch > 1 from dualwrite.position where system = 'erp'" t 'the epoch rose'
assert_counts_balance
