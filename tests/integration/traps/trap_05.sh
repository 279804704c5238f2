#!/usr/bin/env bash
# Trap 5, coalescing unequal events: a create behind a delete replaces the row and never inherits its large value; what
# cannot be built from its event waits until the row was read again at a place of its own in the stream.
. "$(dirname "$0")/../../support/lib.sh"
dw_up
dw_config '.kafka.partitions = 1' '.consumer.breaker_percent = 100'
schema="create table doc (id int primary key, v int not null default 1, body text, note text); alter table doc alter column body set storage external;
    create table full_doc (id int primary key, v int not null default 1, body text, note text); alter table full_doc alter column body set storage external"
dw_sql erp "$schema; alter table full_doc replica identity full"
dw_sql crm "$schema"
step start
dw_begin "$(copy_map docs public.doc id v body note)" "$(copy_map full_docs public.full_doc id v body note)"
for table in doc full_doc; do dw_sql erp "insert into $table select n, 1, repeat('body of ' || n || ' ', 1000), 'note' from generate_series(1, 6) n"; done
wait_caught_up docs full_docs
pause_map docs
pause_map full_docs
dw_journal crm doc
step "one batch: delete and create, update without the value behind a create, a key taken over"
for table in doc full_doc; do
    dw_sql erp "begin; delete from $table where id = 1; insert into $table (id, v, note) values (1, 2, 'anew'); commit;
        update $table set v = 3 where id = 1;
        begin; delete from $table where id = 2; update $table set id = 2, v = 4 where id = 3; commit;
        update $table set v = 5, note = null where id = 4; update $table set v = 6, body = 'short' where id = 4; update $table set v = 7 where id = 4"
done
wait_published
dw_cli map resume docs >/dev/null
dw_cli map resume full_docs >/dev/null
wait_caught_up docs full_docs
assert_same_tables full_doc
nothing_waits() { sql_is crm "select count(*) from dualwrite.waiting" 0; }
wait_until 20 nothing_waits
assert_same_tables doc
assert_sql crm "select count(*) from test.journal where relation = 'doc' and new->>'id' = '2' and new->>'v' = '4' and new->>'body' not like 'body of 3 %'" 0 'the row of the old key kept its value'
assert_sql state "select keys::text from dualwrite.sync" '[["2"]]' 'the keys that were read again'
assert_sql crm "select sum(dead) from dualwrite.progress" 0 'dead letters'
assert_counts_balance
