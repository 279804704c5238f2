#!/usr/bin/env bash
# Kafka, target, state database and source go away, one after another, while changes flow; each comes back, and nothing is
# lost, doubled or dead.
. "$(dirname "$0")/../support/lib.sh"
dw_up --pg crm --pg state --pg erp
dw_config
schema="create table item (id int primary key, v bigint not null default 1, note text)"
dw_sql erp "$schema; create sequence version; insert into item select n, 0 from generate_series(1, 100) n"
dw_sql crm "$schema"
step start
dw_begin "$(copy_map items public.item id v note)"
dw_journal crm item
change() { # COUNT: changes that the application can make
    local i
    for ((i = 0; i < $1; i++)); do
        dw_sql erp "update item set v = nextval('version'), note = repeat('x', 100 + $i) where id % 20 = $((i % 20))" 2>/dev/null || sleep 0.1
    done
}
outage() { # SERVER HOW
    step "$1: $2, and back"
    change 20
    dw_server "$2" "$1"
    [[ $1 == erp ]] || change 20
    sleep 1.5
    for name in producer consumer reconciler; do
        is_alive "$name" || fail "the $name ended when $1 went away"
        is_healthy "$name" || fail "the $name is not healthy while $1 is away"
    done
    dw_server start "$1"
    change 20
    wait_caught_up items --within 60
    assert_same_tables item
    assert_journal_rises crm item id
    map_is items running || fail "the map is $(map_state items): $(dw_sql state "select reason from dualwrite.map")"
}
dw_sql erp "update item set v = nextval('version')"
outage crm stop
outage crm kill
outage kafka kill
outage state kill
outage erp kill
outage erp stop
outage kafka stop
assert_sql crm "select sum(dead) from dualwrite.progress" 0
assert_counts_balance
