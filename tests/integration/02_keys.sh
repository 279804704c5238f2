#!/usr/bin/env bash
# Keys: of several columns, renamed, in another order, of awkward values; a changed key moves the row; order per key.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config
dw_sql erp "create table line (company text, number int, pos smallint, v int not null default 1, note text, primary key (company, number, pos));
    create table amount (id numeric primary key, v int not null default 1, note text);
    create table short (id char(5) primary key, v int not null default 1);
    create table moment (id timestamptz primary key, v int not null default 1)"
dw_sql crm "create table detail (detail_pos int, org varchar(20), order_number bigint, v int, remark text, copy text, own text default 'crm', primary key (org, order_number, detail_pos));
    create table amount (id numeric primary key, v int, note text);
    create table short (id char(5) primary key, v int);
    create table moment (id timestamptz primary key, v int)"
lines='{ "map": "lines", "version": "1",
    "source": { "system": "erp", "table": "public.line", "key": ["number", "company", "pos"] },
    "target": { "system": "crm", "table": "public.detail", "key": ["order_number", "org", "detail_pos"] },
    "direction": "forward", "columns": [ { "source": "v", "target": "v" }, { "source": "note", "target": "remark" }, { "source": "note", "target": "copy" } ] }'
step start
dw_begin "$lines" "$(copy_map amounts public.amount id v note)" "$(copy_map shorts public.short id v)" "$(copy_map moments public.moment id v)"
dw_journal crm detail

same() {
    assert_same "select company, number, pos, v, note, note, 'crm' from line" "select org, order_number, detail_pos, v, remark, copy, own from detail"
    assert_same_tables amount
    assert_same_tables short
    assert_same_tables moment
}

step "awkward values"
dw_sql erp <<'SQL'
insert into line (company, number, pos, note) select c, n, p, c || n || p from unnest(array['', ' ', 'a', 'A', 'a b', 'ä', '日本', '"q"', '''', E'\\', E'\t', 'NULL', '\N', '{"a":1}']) c,
    generate_series(-2, 3) n, generate_series(1, 2) p;
insert into amount (id) values (1.0), (2), (-0.5), (1e30), (0.000000000000000000001), ('NaN');
insert into amount (id) select n from generate_series(10, 49) n;
insert into short (id) values ('a'), ('ab'), ('abcde'), ('');
insert into moment (id) values ('2024-01-01 00:00Z'), ('2024-01-01 00:00:00.000001Z'), ('infinity');
SQL
wait_caught_up lines amounts shorts moments
same

step "a key changes: the row moves"
dw_sql erp "update line set number = number + 100, v = v + 1 where company = 'a';
    update line set company = company || '!', v = v + 1 where company in ('ä', '', 'A');
    update line set pos = pos + 10, v = v + 1, note = null where number = 2 and company = ' ';
    update short set id = 'moved', v = 2 where id = 'ab';
    update moment set id = id + interval '1 s', v = 2 where id <> 'infinity'"
wait_caught_up lines shorts moments
same

step "the same key written in another way is the same row"
dw_sql erp "update amount set id = 1.00, v = 2 where id = 1; update amount set id = 2.000, v = 2 where id = 2;
    update amount set id = id + 0.00, v = 3 where id between 10 and 49"
wait_caught_up amounts
same

step "keys swapped in one transaction, re-created, deleted"
dw_sql erp "begin;
    update line set number = -100 where company = 'NULL' and number = 1;
    update line set number = 1, v = v + 1 where company = 'NULL' and number = 2;
    update line set number = 2, v = v + 1 where company = 'NULL' and number = -100;
    delete from line where company = '日本';
    insert into line (company, number, pos, v, note) values ('日本', 1, 1, 7, 'again');
    delete from line where company = '\"q\"';
    commit"
wait_caught_up lines
same

step "order per key"
dw_sql erp "insert into line (company, number, pos) select 'hot', n, 1 from generate_series(1, 5) n"
for _ in 1 2 3 4; do
    dw_sql erp "do \$\$ begin for i in 1..200 loop update line set v = v + 1 where company = 'hot' and number = 1 + i % 5; commit; end loop; end \$\$" &
done
wait $! || true
wait_until 20 sql_is erp "select sum(v) from line where company = 'hot'" 805
wait_caught_up lines
same
assert_sql crm "select count(*) from (select (new->>'v')::int as v, lag((new->>'v')::int) over (partition by new->>'order_number' order by n) as before
    from test.journal where new->>'org' = 'hot') j where v <= before" 0 'changes out of order'
assert_sql crm "select sum(dead) from dualwrite.progress" 0
assert_counts_balance
