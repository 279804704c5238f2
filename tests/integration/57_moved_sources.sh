#!/usr/bin/env bash
# A source that is not the server it was: a promoted standby, a backup restored to an earlier moment, all databases moved to a
# new cluster as an upgrade does, a slot that was dropped or that the server has invalidated. Each is recognised and named in
# the status, nothing is published over it, and one command leads to a re-sync; the database is in LATIN1.
. "$(dirname "$0")/../support/lib.sh"
export PGCLIENTENCODING=UTF8
dw_up --pg erp --pg twin
dw_config '.producer.heartbeat_ms = 200' '.producer.sync_chunk_rows = 200'
admin() { psql -XAtq -v ON_ERROR_STOP=1 -d "$(sed 's|/erp?|/postgres?|' <<<"$(dw_url erp)")" -c "$1"; }
admin 'drop database erp'
admin "create database erp encoding 'LATIN1' locale 'C' template template0"
schema="create table item (id int primary key, v int not null default 1, note text); create table part (id int primary key, item int not null references item)"
dw_sql erp "$schema"
dw_sql crm "$schema"
step start
dw_begin "$(copy_map items public.item id v note)" "$(copy_map parts public.part id item)"
dw_sql erp "insert into item select n, 1, 'é' || n from generate_series(1, 500) n; insert into part select n, n from generate_series(1, 500) n"
wait_caught_up items parts
sleep 0.5 # the position is saved

# The source lies on another server from now on: $1, where the database "erp" is.
source_is() {
    dw_config '.producer.heartbeat_ms = 200' '.producer.sync_chunk_rows = 200' ".systems.erp.connection = \"$(sed "s|/$1?|/erp?|" <<<"$(dw_url "$1")")\""
    dw_kill reconciler
    dw_start reconciler
}
on() { psql -XAtq -v ON_ERROR_STOP=1 -d "$(sed "s|/$1?|/erp?|" <<<"$(dw_url "$1")")" -c "$2"; }
same_as() { # SERVER TABLE
    on "$1" "copy (select * from $2 order by 1) to stdout" >"$dw_dir/same.erp"
    dw_sql crm "copy (select * from $2 order by 1) to stdout" >"$dw_dir/same.crm"
    cmp -s "$dw_dir/same.erp" "$dw_dir/same.crm"
}
published() { for map in items parts; do dw_events $map; done | wc -l; }
shows() { dw_cli status >"$dw_dir/status" 2>&1 && grep -q "$1" "$dw_dir/status"; }
# Begins with the producer stopped and the source as it is now: all that a person needs is the status and one command.
mended() { # SERVER STATE CODE
    local before
    before=$(published)
    dw_start producer
    wait_until 20 shows "$2"
    shows "$3" || { sed 's/^/# /' "$dw_dir/status" >&2; fail "the status does not name $3"; }
    grep -q 'dualwrite system resync erp --accept-gap' "$dw_dir/status" || { sed 's/^/# /' "$dw_dir/status" >&2; fail 'the status does not name the command'; }
    assert_match "$(dw_cli explain "$3")" 'remedy: '
    sleep 0.5
    assert_eq "$(published)" "$before" 'events published over the gap'
    dw_cli system resync erp --accept-gap --delete-extra --dry-run >"$dw_dir/out"
    shows "$2" || fail 'a dry run has done it'
    timeout $((60 * dw_slow)) "$dw_bin/dualwrite" system resync erp --accept-gap --delete-extra --yes --wait >"$dw_dir/out" 2>&1 || { sed 's/^/# /' "$dw_dir/out" >&2; fail 'system resync'; }
    for table in item part; do same_as "$1" $table || fail "$table differs after the re-sync"; done
    assert_sql state "select count(*) from dualwrite.gap where closed_at is null" 0 'gaps that are open'
    on "$1" "insert into item values (100000 + (select count(*) from item), 7, 'ÿ'); update item set v = v + 1 where id = 1"
    wait_until 20 same_as "$1" item
    assert_sql state "select string_agg(state, ',') from dualwrite.map" running,running
    sleep 0.5
}

step "a standby is promoted, which lacks the last commits"
home=$dw_dir/servers/pg-twin
dw_server stop twin
cp --preserve=all "$dw_dir/servers/pg-erp/password" "$home/password"
copy_of() { # SERVER FOLDER [OPTION]…: a base backup
    local folder=$2
    rm -rf "$folder"
    pg_basebackup -d "$(sed "s|/$1?|/erp?|" <<<"$(dw_url "$1")")" -D "$folder" -c fast -X stream "${@:3}" >>"$dw_dir/servers.log" 2>&1 || fail 'pg_basebackup'
    chown -R --reference="$home/password" "$folder"
    chmod 700 "$folder"
}
copy_of erp "$home/data" -R
: >"$home/has_database"
dw_server start twin
dw_sql erp "update item set v = 2, note = 'vor dem Schwenk, größer' where id <= 100; delete from part where id = 10"
wait_caught_up items parts
replayed() { [[ $(on twin "select pg_is_in_recovery() and pg_last_wal_replay_lsn() >= '$1'") == t ]]; }
wait_until 20 replayed "$(dw_sql erp 'select pg_current_wal_lsn()')"
# Its line to the first one is cut: what is committed from here on dies with that one.
on twin "alter system set primary_conninfo = ''"
on twin 'select pg_reload_conf()' >/dev/null
receives_nothing() { [[ $(on twin 'select count(*) from pg_stat_wal_receiver') == 0 ]]; }
wait_until 20 receives_nothing
sleep 0.5
dw_sql erp "insert into item values (9001, 1, 'only on the one that died'); update item set v = 99 where id = 200"
wait_caught_up items
sleep 0.5
dw_stop producer
dw_server kill erp
on twin 'select pg_promote()' >/dev/null
promoted() { [[ $(on twin 'select pg_is_in_recovery()') == f ]]; }
wait_until 20 promoted
on twin "update item set v = 3 where id between 90 and 110; delete from part where id = 20; delete from item where id = 20; insert into item values (9002, 1, 'only on the new one')"
source_is twin
assert_sql crm "select count(*) from item where id = 9001" 1
mended twin timeline_changed DW-CAPTURE-024
assert_sql crm "select string_agg(id::text, ',' order by id) from item where id between 9001 and 9002" 9002

step "a backup is restored to an earlier moment"
copy_of twin "$dw_dir/backup"
on twin "update item set v = 50; insert into item select n, 5, 'after the backup' from generate_series(20001, 20300) n; delete from part where id > 400"
wait_until 20 same_as twin item
sleep 0.5
dw_stop producer
dw_server stop twin
rm -rf "$home/data"
mv "$dw_dir/backup" "$home/data"
printf "restore_command = 'false'\nrecovery_target = 'immediate'\nrecovery_target_action = 'promote'\n" >>"$home/data/postgresql.conf"
touch "$home/data/recovery.signal"
chown --reference="$home/password" "$home/data/recovery.signal"
dw_server start twin
wait_until 20 promoted
on twin "insert into item values (20001, 1, 'another one of this number')"
mended twin timeline_changed DW-CAPTURE-024

step "all databases go to a new cluster, as with an upgrade"
dw_stop producer
home=$dw_dir/servers/pg-erp
rm -rf "$home/data" "$home/has_database"
dw_server start erp
admin 'drop database erp'
admin "create database erp encoding 'LATIN1' locale 'C' template template0"
pg_dump -d "$(sed 's|/twin?|/erp?|' <<<"$(dw_url twin)")" | psql -Xq -v ON_ERROR_STOP=1 -d "$(dw_url erp)" >/dev/null
dw_server stop twin
source_is erp
dw_sql erp "update item set v = 60 where id < 50; delete from part where id = 30"
mended erp system_changed DW-CAPTURE-023

step "the slot is dropped"
dw_stop producer
dw_sql erp "select pg_drop_replication_slot('dualwrite_erp')" >/dev/null
dw_sql erp "update item set v = 70 where id < 50; delete from part where id = 31"
mended erp slot_missing DW-CAPTURE-020

step "the server has invalidated the slot"
admin "alter system set max_slot_wal_keep_size = '1MB'"
admin "select pg_reload_conf()" >/dev/null
dw_stop producer
for _ in 1 2 3 4; do dw_sql erp "update item set v = v + 1; select pg_switch_wal()" >/dev/null; done
dw_sql erp "checkpoint; delete from part where id = 32"
assert_sql erp "select wal_status from pg_replication_slots where slot_name = 'dualwrite_erp'" lost
mended erp slot_lost DW-CAPTURE-021
assert_sql state "select count(*) from dualwrite.dead_letter" 0
assert_counts_balance
