#!/usr/bin/env bash
# What goes wrong in the middle of a copy and passes: cancelled queries, ended sessions, a locked table, a target whose disk is
# full. It is tried again, told while it lasts, and nothing counts as copied that is not.
# Mounts of its own, which go with it: a small file system for a table of the target.
[[ ${DW_TEST_MOUNTS:-} ]] || ! unshare -m true 2>/dev/null || DW_TEST_MOUNTS=1 exec unshare -m bash "$0" "$@"
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config '.producer.heartbeat_ms = 200' '.producer.sync_chunk_rows = 100' '.consumer.retry_max_ms = 1000'
schema="create table item (id int primary key, v int not null default 1, note text)"
dw_sql erp "$schema; insert into item select n, 1, repeat('x', 200) from generate_series(1, 4000) n; analyze item"
dw_sql crm "$schema"
step start
dw_start reconciler
copy_map items public.item id v note >"$dw_dir/items.json"
dw_start producer
dw_start consumer
dw_cli map apply "$dw_dir/items.json" >/dev/null
sync() { dw_sql state "select $1 from dualwrite.sync where id = (select max(id) from dualwrite.sync)"; }
tells() { [[ $(dw_cli sync list) =~ $1 && $(sync state) == running ]]; }
quiet() { [[ $(sync "code || reason") == '' ]]; }
moves() { (($(sync "(select sum(rows_done) from dualwrite.sync_range r where r.sync = sync.id)") > $1)); }

step "sessions of the copy are ended, again and again"
dw_cli map start items --rate 400 >/dev/null
wait_until 20 moves 0
for ((i = 0; i < 5; i++)); do
    dw_sql erp "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'dualwrite-producer sync'" >/dev/null
    sleep 0.3
done

step "the table is locked, and what waits for it is cancelled: it is told until it gets on"
dw_session lock erp
dw_say lock 'begin; lock table item in access exclusive mode' >/dev/null
cancelled() { sql_is erp "select count(*) > 0 from (select pg_cancel_backend(pid) from pg_stat_activity where application_name = 'dualwrite-producer sync' and query like 'COPY%' and wait_event_type = 'Lock') c" t; }
wait_until 20 cancelled
wait_until 20 tells 'canceling statement due to user request'
assert_match "$(dw_cli status)" 'canceling statement due to user request'
before=$(sync "(select sum(rows_done) from dualwrite.sync_range r where r.sync = sync.id)")
dw_hush lock
wait_until 20 moves "$before"
wait_until 10 quiet

step "the target's disk is full: all is in Kafka, and the copy is not done"
dw_sql crm "create function full_disk() returns trigger language plpgsql as \$\$ begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end \$\$;
    create trigger full_disk before insert on item for each row execute function full_disk()"
dw_cli sync rate "$(sync id)" 0 >/dev/null
draining() { [[ $(sync state) == draining ]]; }
wait_until 40 draining
sleep 2
assert_eq "$(sync state)" draining 'the state of a copy that the target does not have'
map_is items initial_sync || fail "the map is $(map_state items)"
dw_sql crm "drop trigger full_disk on item"
wait_until 40 syncs_are_done
wait_until 20 map_is items running
assert_same_tables item
quiet || fail "a reason is left: $(sync "code || reason")"

step "a file system that is really full, in the middle of a copy; other maps go on"
disk=$dw_dir/disk
mkdir "$disk"
if [[ ${DW_TEST_MOUNTS:-} ]] && mount -t tmpfs -o size=8m,mode=0700 tmpfs "$disk" 2>/dev/null; then
    chown --reference="$dw_dir/servers/pg-db/password" "$disk"
    dw_sql crm "create tablespace small location '$disk'"
    dw_sql crm "create table large (id int primary key using index tablespace small, note text) tablespace small"
    dw_sql erp "create table large (id int primary key, note text); insert into large select n, repeat(md5(n::text), 20) from generate_series(1, 20000) n; analyze large"
    copy_map larges public.large id note >"$dw_dir/larges.json"
    dw_cli map apply "$dw_dir/larges.json" >/dev/null
    dw_cli map start larges >/dev/null
    is_full() { grep -q '"sqlstate":"53100"' "$dw_dir/consumer.log"; }
    wait_until 40 is_full
    wait_until 40 draining
    dw_sql erp "update item set v = v + 1 where id <= 100"
    wait_caught_up items
    tells_full() { dw_cli status >"$dw_dir/status" && grep -q 'No space left on device' "$dw_dir/status"; }
    wait_until 10 tells_full
    assert_eq "$(sync state)" draining 'the state of a copy that does not fit'
    map_is larges initial_sync || fail "the map is $(map_state larges)"
    (($(dw_sql crm 'select count(*) from large') < 20000)) || fail 'all rows fit: the file system is too large for this test'
    mount -o remount,size=64m "$disk"
    wait_until 40 syncs_are_done
    wait_until 20 map_is larges running
    assert_same_tables large
    dw_sql crm 'drop table large'
    dw_sql crm 'checkpoint'
    dw_sql crm 'drop tablespace small'
    umount -l "$disk"
else
    printf '# no mounts here: left out\n' >&2
fi
assert_sql crm "select sum(dead) from dualwrite.progress" 0
assert_counts_balance
