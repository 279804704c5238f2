#!/usr/bin/env bash
# Workers come, go by SIGTERM, are killed and come back, while changes flow: nothing lost, nothing doubled, order kept.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config '.kafka.partitions = 4'
schema="create table item (id int primary key, v bigint not null default 1); create table other (id int primary key, v bigint not null default 1)"
dw_sql erp "$schema; create sequence version"
dw_sql crm "$schema"
step start
dw_begin "$(copy_map items public.item id v)" "$(copy_map others public.other id v)"
dw_journal crm item
dw_journal crm other
dw_sql erp "insert into item select n, nextval('version') from generate_series(1, 200) n; insert into other select n, nextval('version') from generate_series(1, 200) n"
load() {
    local i
    for ((i = 0; ; i++)); do
        dw_sql erp "update item set v = nextval('version') where id % 7 = $((i % 7)); update other set v = nextval('version') where id % 5 = $((i % 5));
            delete from item where id = $((1 + i % 200)); insert into item values ($((1 + i % 200)), nextval('version'))" || return
    done
}
load &
load=$!
step "more workers"
dw_start consumer two
dw_start consumer three
wait_until 20 is_ready two
wait_until 20 is_ready three
step "the status shows who has which partitions"
all_are_shown() {
    [[ $(dw_cli status --json | jq '[.processes[] | select(.alive and .kind == "consumer") | .stats.maps[]?.partitions | length] | add') == 8 ]] &&
        dw_cli status >"$dw_dir/out" && grep -Eq '^WORKER +MAP +PARTITIONS +LAG +BEHIND +WAITING' "$dw_dir/out" &&
        grep -Eq '^(consumer|two|three) +items +[0-3](, [0-3]|-3)* +[0-9,]+ +[0-9.]+ (s|ms|min)' "$dw_dir/out" && grep -Eq '^(consumer|two|three) +others +[0-3]' "$dw_dir/out"
}
wait_until 20 all_are_shown
step "SIGTERM drains"
dw_stop consumer
step "kill -9"
dw_kill two
sleep 1
dw_start consumer
dw_start consumer two
wait_until 20 is_ready consumer
dw_stop three
step "all of them, and back"
dw_stop two
dw_stop consumer
sleep 0.5
dw_start consumer
sleep 1
kill "$load"
wait "$load" || true
wait_caught_up items others --within 40
assert_same_tables item
assert_same_tables other
assert_journal_rises crm item id
assert_journal_rises crm other id
assert_sql crm "select sum(dead) from dualwrite.progress" 0
assert_counts_balance
