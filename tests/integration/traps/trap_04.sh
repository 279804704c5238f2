#!/usr/bin/env bash
# Trap 4, unique values handed on: two rows swap a value that is unique in the target, in one partition and over two.
. "$(dirname "$0")/../../support/lib.sh"
dw_up
dw_config '.consumer.dependency_wait_ms = 20000'
dw_sql erp "create table item (id int primary key, v int not null default 1, name text unique deferrable initially deferred)"
dw_sql crm "create table item (id int primary key, v int, name text unique)"
step start
dw_begin "$(copy_map items public.item id v name)"
dw_sql erp "insert into item select n, 1, 'n' || n from generate_series(1, 40) n"
wait_caught_up items
partition_of() { dw_events items | awk -F '\t' -v key="{\"id\":$1}" '$3 == key { print $1; exit }'; }
first=$(partition_of 1)
same=() other=()
for n in 2 3 4 5 6 7 8 9 10 11 12 13 14; do [[ $(partition_of $n) == "$first" ]] && same+=("$n") || other+=("$n"); done
((${#same[@]} >= 3 && ${#other[@]} >= 3)) || fail 'the keys are not spread'
name_of() { dw_sql erp "select name from item where id = $1"; }
swap() { # A B: in one transaction
    printf 'begin;\n'
    swap_singly "$@"
    printf 'commit;\n'
}
swap_singly() { # in three
    printf "update item set name = 'tmp', v = v + 1 where id = %s;\nupdate item set name = '%s', v = v + 1 where id = %s;\nupdate item set name = '%s', v = v + 1 where id = %s;\n" \
        "$1" "$(name_of "$1")" "$2" "$(name_of "$2")" "$1"
}
letters_none() { assert_eq "$(counted items dead)" 0 'dead letters'; }
settled() { sql_is crm "select count(*) from dualwrite.waiting" 0; }
batched() { # SQL: published while the map is paused, so that it comes as one batch
    pause_map items
    dw_sql erp <<<"$1"
    wait_published
    dw_cli map resume items >/dev/null
    wait_caught_up items
    wait_until 20 settled
    assert_same_tables item
    letters_none
}
step "in one partition, in one transaction and in three"
batched "$(swap 1 "${same[0]}")"
batched "$(swap_singly 1 "${same[1]}")"
step "over two partitions"
batched "$(swap "${same[1]}" "${other[0]}")"
batched "$(swap_singly "${other[1]}" "${same[0]}")"
step "a value freed by a delete in another partition"
batched "delete from item where id = ${other[2]}; insert into item values (100, 1, '$(name_of "${other[2]}")'), (101, 1, 'x'); delete from item where id = 101; insert into item values (102, 1, 'x')"
assert_counts_balance
