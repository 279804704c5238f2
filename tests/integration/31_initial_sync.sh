#!/usr/bin/env bash
# Rows that exist already are copied while the application goes on writing: inserts, updates, deletes, key changes, large
# values, a truncate; processes are killed at every point of a chunk's life. Both sides end equal.
. "$(dirname "$0")/../support/lib.sh"
seed=${DW_SEED:-1}
dw_up
dw_config '.producer.heartbeat_ms = 200' '.producer.sync_chunk_rows = 100' '.consumer.breaker_percent = 100'
schema="create table item (company text, id int, v bigint not null default 1, note text, body text, primary key (company, id));
    alter table item alter column body set storage external;
    create table code (code char(6) primary key, price numeric(12,3), at timestamptz, raw bytea, tags text[]);
    create table empty (id int primary key, v int);
    create table weird (\"Ключ\" text collate \"C\", \"a\"\"b\" numeric, v int, primary key (\"Ключ\", \"a\"\"b\"))"
dw_sql erp "$schema; create sequence version;
    insert into item select 'c' || n % 3, n, 1, repeat('x', n % 50), repeat('body ' || n, 900) from generate_series(1, 3000) n;
    insert into code select 'C' || n, n + 0.125, '2026-01-01Z'::timestamptz + n * interval '1 min', decode(md5(n::text), 'hex'), array[n::text, null, 'a\"b'] from generate_series(1, 500) n;
    insert into weird select 'ключ ''\"\\' || chr(9) || n % 7, n * 1.50, n from generate_series(1, 700) n;
    analyze item"
dw_sql crm "$schema"
step start
dw_begin "$(copy_map items public.item company,id v note body)" "$(copy_map codes public.code code price at raw tags)" \
    "$(copy_map empties public.empty id v)" "$(copy_map weirds public.weird 'Ключ,a"b' v)"
dw_start consumer second
RANDOM=$seed
load() { # SECONDS: changes of every kind, in transactions
    local until=$((SECONDS + $1)) id
    while ((SECONDS < until)); do
        id=$((RANDOM % 3300 + 1))
        case $((RANDOM % 8)) in
            0) echo "insert into item values ('c' || $id % 3, $id, nextval('version'), 'new', repeat('new', 1000)) on conflict do nothing;" ;;
            1) echo "delete from item where id = $id;" ;;
            2) echo "update item i set company = 'd' || $id % 3, v = nextval('version') where id = $id
                and not exists (select from item o where o.id = $id and o.company like 'd%' and o.company <> i.company);" ;;
            3) echo "update item set body = repeat('changed ', 500), v = nextval('version') where id between $id and $id + 3;" ;;
            *) echo "update item set v = nextval('version') where id between $id and $id + 20;" ;;
        esac
        sleep 0.01
    done | dw_sql erp
}
step "under load"
load 5 &
load_pid=$!
sleep 0.5
sync_all() { for map in "$@"; do order_sync "$map" initial; done; }
sync_all items codes empties weirds
wait_until 30 syncs_are_done
wait $load_pid
wait_caught_up items codes empties weirds
settled() { sql_is crm "select count(*) from dualwrite.waiting" 0; }
wait_until 20 settled
for table in item code weird; do assert_same_tables $table; done
assert_counts_balance
assert_sql crm "select sum(dead) from dualwrite.progress" 0 'dead letters'
chunks=$(dw_sql state "select sum(chunks_done) from dualwrite.sync_range r join dualwrite.sync s on s.id = r.sync where s.map = 'codes'")
((chunks <= 6)) || fail "500 rows in chunks of 100 were read in $chunks chunks"

step "events of the initial sync look as the stream's"
assert_match "$(dw_events codes >"$dw_dir/codes"; sed -n 1p "$dw_dir/codes" | cut -f 4)" '"op":"r".*"snapshot":"incremental".*"before":null,"after":\{"code":"C'

step "changes between the watermarks of a chunk win over its rows"
dw_sql crm "truncate item, code"
dw_stop producer
order_sync codes initial
dw_start producer producer DW_FAULT=sync.after_rows:sleep3000
reading() { sql_is state "select count(*) from dualwrite.sync where map = 'codes' and state = 'running' and planned" 1; }
wait_until 15 reading
sleep 1 # the first rows are read by now, and held
dw_sql erp "update code set price = -1 where code in ('C1', 'C10'); delete from code where code = 'C100'; update code set code = 'K' where code = 'C101'; insert into code (code, price) values ('C100', 7), ('A', null)"
dw_sql erp "delete from code where code = 'C102'; update code set price = -2 where code = 'C10'"
assert_sql state "select sum(chunks_done) from dualwrite.sync_range r join dualwrite.sync s on s.id = r.sync where s.state = 'running'" 0 'the chunk was not held: the test shows nothing'
wait_until 30 syncs_are_done
wait_caught_up codes
assert_same_tables code
assert_sql crm "select count(*) from code where price < 0" 2

for point in sync.before_plan sync.after_low sync.after_rows sync.after_high sync.published sync.before_save sync.before_draining; do
    step "the producer is killed at $point"
    dw_sql crm "truncate item"
    dw_stop producer
    order_sync items initial
    skip=3
    case $point in *plan | *draining) skip=0 ;; esac
    dw_start producer producer "DW_FAULT=$point:kill:$skip"
    load 2 &
    load_pid=$!
    wait_until 20 is_gone producer
    dw_start producer
    wait_until 30 syncs_are_done
    wait $load_pid
    wait_caught_up items
    wait_until 20 settled
    assert_same_tables item
    repeated=$(dw_sql state "select chunks_done - 34 from dualwrite.sync s, lateral (select sum(chunks_done) as chunks_done from dualwrite.sync_range where sync = s.id) r where s.id = (select max(id) from dualwrite.sync)")
    ((repeated <= 4)) || fail "$repeated chunks more than needed were read"
done
step "a worker, Kafka and the source are killed in the middle"
for victim in consumer kafka erp state; do
    dw_sql crm "truncate item"
    order_sync items initial 'rate = 2000'
    sleep 0.4
    case $victim in
        consumer) dw_kill consumer; dw_start consumer ;;
        *) dw_server kill $victim; dw_server start $victim ;;
    esac
    wait_until 60 syncs_are_done
    wait_caught_up items --within 60
    assert_same_tables item
done
assert_counts_balance
