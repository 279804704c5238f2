#!/usr/bin/env bash
# A second producer waits; it takes over when the first dies or stops, without loss or double effect.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config
schema="create table item (id int primary key, v bigint not null default 1)"
dw_sql erp "$schema; create sequence version"
dw_sql crm "$schema"
step start
dw_begin "$(copy_map items public.item id v)"
dw_journal crm item
wait_until 10 is_ready producer
dw_start producer second
standing_by() { [[ $(dw_http second /readyz) == *standby*503 ]]; }
step "the second waits"
wait_until 10 standing_by
dw_sql erp "insert into item select n, nextval('version') from generate_series(1, 50) n"
wait_caught_up items
is_ready producer || fail "the first is no longer ready"
standing_by || fail "the second is not standing by"

load() { for ((i = 0; i < ${1:-60}; i++)); do dw_sql erp "update item set v = nextval('version') where id % 10 = $((i % 10))"; done; }
step "the first is killed under load"
load &
sleep 0.3
dw_kill producer
wait_until 15 is_ready second
wait $!
wait_caught_up items
assert_same_tables item
step "the second stops; the first, started again, takes over"
dw_start producer
load &
sleep 0.3
dw_stop second
wait_until 15 is_ready producer
wait $!
wait_caught_up items
assert_same_tables item
assert_journal_rises crm item id
assert_counts_balance
