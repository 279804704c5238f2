#!/usr/bin/env bash
# The producer while one of its partners hangs instead of failing: a missing synchronous standby, a frozen state
# database, a frozen Kafka. Changes flow or wait, the server always gets its answers, the slot moves when it may, and
# SIGTERM ends it without a processor at full load.
. "$(dirname "$0")/../support/lib.sh"
dw_up --pg erp:wal_sender_timeout=3s --pg state
dw_config
schema="create table item (id int primary key, v int not null default 1)"
dw_sql erp "$schema; create table late (id int primary key, v int not null default 1)"
dw_sql crm "$schema; create table late (id int primary key, v int not null default 1)"
step start
dw_begin "$(copy_map items public.item id v)"
dw_sql erp "insert into item values (1)"
wait_caught_up items
local_sql() { PGOPTIONS='-c synchronous_commit=local' dw_sql "$@"; }
confirmed_past() { sql_is erp "select confirmed_flush_lsn >= '$1' from pg_replication_slots" t; }
arrived() { sql_is crm "select count(*) from item where id = $1" 1; }
walsender() { dw_sql erp "select active_pid from pg_replication_slots"; }

step "a synchronous standby that is missing holds up neither heartbeats nor a new map"
dw_sql erp <<<"alter system set synchronous_standby_names = 'nobody'; select pg_reload_conf()" >/dev/null
wait_until 5 sql_is erp "show synchronous_standby_names" nobody
sleep 2
local_sql erp "insert into item values (2)"
wait_until 15 arrived 2
wait_until 15 confirmed_past "$(dw_sql erp "select pg_current_wal_lsn()")"
dw_map "$(copy_map lates public.late id v)"
assert_sql erp "select count(*) from pg_stat_activity where wait_event = 'SyncRep' and application_name = 'dualwrite-producer'" 0
dw_sql erp <<<"alter system reset synchronous_standby_names; select pg_reload_conf()" >/dev/null
wait_until 5 sql_is erp "show synchronous_standby_names" ''

step "the state database is frozen: the position goes to the topic, the slot moves on"
before=$(walsender)
backends=$(dw_sql state "select string_agg(pid::text, ' ') from pg_stat_activity where application_name = 'dualwrite-producer'")
# shellcheck disable=SC2086
kill -STOP $backends
dw_sql erp "insert into item values (3)"
wait_until 15 arrived 3
wait_until 30 confirmed_past "$(dw_sql erp "select pg_current_wal_lsn()")"
assert_eq "$(walsender)" "$before" 'the walsender that streams (another one: the server gave ours up)'
step "SIGTERM ends the producer all the same, and nothing is missing after it"
dw_sql erp "insert into item values (4)"
dw_stop producer
# shellcheck disable=SC2086
kill -CONT $backends
dw_start producer
wait_live
dw_sql erp "insert into item values (5)"
wait_caught_up items lates
assert_same_tables item

step "Kafka is frozen: the server gets its answers, the rest waits"
kafka=$(cat "$dw_dir"/servers/kafka/*pid* | head -n 1)
before=$(walsender)
kill -STOP "$kafka"
dw_sql erp "insert into item select n, 1 from generate_series(100, 400) n"
sleep 8
assert_eq "$(walsender)" "$before" 'the walsender that streams (another one: the server gave ours up)'
confirmed_past "$(dw_sql erp "select pg_current_wal_lsn()")" && fail 'the slot was told what Kafka does not have'
step "SIGTERM meanwhile: it waits its time for Kafka, idle"
kill -TERM "${dw_pids[producer]}"
sleep 2
ticks() { awk '{ print $14 + $15 }' "/proc/${dw_pids[producer]}/stat"; }
begun=$(ticks)
sleep 4
busy=$(($(ticks) - begun))
((busy < 40)) || fail "$busy ticks of the processor while it waits"
exit_code_of producer 35
kill -CONT "$kafka"
dw_start producer
wait_live
wait_caught_up items --within 60
assert_same_tables item
assert_counts_balance
