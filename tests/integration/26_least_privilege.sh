#!/usr/bin/env bash
# Roles with no more than needed: replication on the source with a publication of the DBA, DML on the target's tables.
. "$(dirname "$0")/../support/lib.sh"
dw_up
schema="create table item (id int primary key, v int not null default 1)"
dw_sql erp "$schema; create role capture login replication password 'capture'; grant select on item to capture; create publication dualwrite_erp for table item"
dw_sql crm "$schema; create role writer login password 'writer'; grant select, insert, update, delete on item to writer; create schema dualwrite authorization writer"
dw_sql state "create role keeper login password 'keeper'; grant create on database state to keeper"
dw_config ".systems.erp.connection = \"$(dw_url erp capture)\"" ".systems.crm.connection = \"$(dw_url crm writer)\"" ".state.connection = \"$(dw_url state keeper)\""
step "works"
dw_begin "$(copy_map items public.item id v | jq '.on_truncate = "ignore"')"
dw_sql erp "insert into item select n from generate_series(1, 100) n; update item set v = 2 where id > 50; delete from item where id > 90"
wait_caught_up items
assert_same_tables item
assert_counts_balance
step "sessions say who they are, and hold nothing open"
assert_sql crm "select count(*) from pg_stat_activity where usename = 'writer' and state = 'idle in transaction'" 0
assert_sql crm "select count(*) > 0 from pg_stat_activity where usename = 'writer' and application_name like 'dualwrite%'" t
