#!/usr/bin/env bash
# Large transactions and large rows, in bounded memory. DW_TEST_ROWS=1000000 for the full size (default 100,000).
. "$(dirname "$0")/../support/lib.sh"
rows=${DW_TEST_ROWS:-100000}
dw_up
# The table of large rows is published but not mapped at first.
dw_config '.consumer.breaker_percent = 100'
schema="create table many (id int primary key, v int not null default 1, note text); create table large (id int primary key, v int not null default 1, body text, raw bytea)"
dw_sql erp "$schema"
dw_sql crm "$schema"

peak_mib() { awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/${dw_pids[$1]}/status"; }
assert_peak() { # NAME MIB
    ((dw_slow > 1)) || (($(peak_mib "$1") <= $2)) || fail "$1 took $(peak_mib "$1") MiB, more than $2"
}

step start
dw_begin "$(copy_map many public.many id v note)" "$(copy_map large public.large id v body raw)"
step "one transaction of $rows rows, and one that rolls back"
dw_sql erp "begin; insert into many select n, 1, 'rolled back' from generate_series(1, 20000) n; rollback;
    insert into many select n, 1, 'note ' || n from generate_series(1, $rows) n; insert into many values (0, 1, 'behind it')"
wait_caught_up many --within 120
assert_same_tables many
step "all of it updated in one transaction"
dw_sql erp "update many set v = v + 1"
wait_caught_up many --within 120
assert_same_tables many
assert_peak producer 64
assert_peak consumer 64
step "rows of 16 MB"
dw_sql erp "insert into large (id, body) select 1, string_agg(chr(97 + n % 26), '') from generate_series(1, 16000000) n;
    insert into large (id, raw) select 2, decode(repeat('00ff5c22', 4000000), 'hex');
    insert into large (id, body) values (3, repeat('\\\"', 7000000)); insert into large (id, body) values (4, 'small');
    update large set v = 2"
wait_caught_up large --within 60
assert_same "select id, v, length(body), md5(body), length(raw), md5(raw) from large"
assert_peak producer 320
assert_peak consumer 320
assert_sql crm "select sum(dead) from dualwrite.progress" 0
assert_counts_balance
