#!/usr/bin/env bash
# Several maps on one source table, and one column to several; each goes on when another cannot.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config
dw_sql erp "create table party (id int primary key, v int not null default 1, name text, email text)"
dw_sql crm "create table account (id int primary key, v int, name text, label text); create table contact (id int primary key, v int, mail text);
    create schema audit; create table audit.party (id int primary key, v int, name varchar(5))"
step start
dw_begin '{ "map": "accounts", "version": "1", "source": { "system": "erp", "table": "public.party", "key": ["id"] }, "target": { "system": "crm", "table": "public.account", "key": ["id"] },
        "direction": "forward", "columns": [ { "source": "v", "target": "v" }, { "source": "name", "target": "name" }, { "source": "name", "target": "label" } ] }' \
    '{ "map": "contacts", "version": "1", "source": { "system": "erp", "table": "party", "key": ["id"] }, "target": { "system": "crm", "table": "contact", "key": ["id"] },
        "direction": "forward", "on_delete": "ignore", "columns": [ { "source": "v", "target": "v" }, { "source": "email", "target": "mail" } ] }' \
    '{ "map": "audits", "version": "1", "source": { "system": "erp", "table": "public.party", "key": ["id"] }, "target": { "system": "crm", "table": "audit.party", "key": ["id"] },
        "direction": "forward", "columns": [ { "source": "v", "target": "v" }, { "source": "name", "target": "name" } ] }'
dw_sql erp "insert into party select n, 1, 'p' || n, 'p' || n || '@example.org' from generate_series(1, 100) n; update party set v = 2 where id <= 50; delete from party where id > 90"
wait_caught_up accounts contacts audits
assert_same "select id, v, name, name from party" "select * from account"
assert_same "select id, v, name from party" "select * from audit.party"
assert_same "select id, v, email from party where id <= 90" "select * from contact where id <= 90"
assert_sql crm "select count(*) from contact" 100
step "one of them stops"
dw_cli map stop contacts >/dev/null
dw_sql erp "update party set v = 3, name = 'longer than five' where id = 1; update party set v = 3 where id = 2"
wait_caught_up accounts audits
assert_sql crm "select v from account where id in (1, 2)" $'3\n3'
assert_sql crm "select v from audit.party where id = 2" 3
assert_sql crm "select v from contact where id in (1, 2)" $'2\n2'
wait_letters audits 1
letters=$(dw_sql state "select string_agg(map, ',') from dualwrite.dead_letter")
assert_eq "$letters" audits 'maps with dead letters'
assert_counts_balance
