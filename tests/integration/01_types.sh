#!/usr/bin/env bash
# Every type arrives byte for byte, awkward values included, by insert and by update, from null and to null.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config

schema="create type mood as enum ('sad', 'it''s ok', 'très \"heureux\"');
create domain percent as numeric(5, 2) check (value between 0 and 100);
create domain code as varchar(8);
create type pair as (a int, b text);
create type nested as (p pair, list text[]);
create type span as range (subtype = float8);
create table scalars (id int primary key, v bigint not null default 1,
    c_smallint smallint, c_int int, c_bigint bigint, c_numeric numeric, c_numeric_fixed numeric(38, 10), c_real real, c_double float8,
    c_money money, c_bool bool, c_text text, c_varchar varchar(40), c_char char(8), c_name name, c_internal \"char\", c_bytea bytea,
    c_uuid uuid, c_json json, c_jsonb jsonb, c_xml xml, c_bit bit(5), c_varbit bit varying, c_inet inet, c_cidr cidr,
    c_macaddr macaddr, c_macaddr8 macaddr8, c_oid oid, c_lsn pg_lsn, c_regclass regclass);
create table times (id int primary key, v bigint not null default 1, c_date date, c_time time, c_time3 time(3), c_timetz timetz,
    c_timestamp timestamp, c_timestamptz timestamptz, c_timestamptz0 timestamptz(0), c_interval interval, c_interval_dts interval day to second(3));
create table made (id int primary key, v bigint not null default 1, c_mood mood, c_percent percent, c_code code, c_pair pair,
    c_nested nested, c_moods mood[], c_ints int[], c_texts text[], c_cube int[][][], c_dates date[], c_byteas bytea[], c_pairs pair[],
    c_int4range int4range, c_numrange numrange, c_tstzrange tstzrange, c_daterange daterange, c_multi int8multirange, c_span span,
    c_point point, c_line line, c_box box, c_path path, c_polygon polygon, c_circle circle, c_tsvector tsvector, c_tsquery tsquery,
    c_percents percent[], c_jsonbs jsonb[])"
dw_sql erp "$schema"
dw_sql crm "$schema"

maps=()
for table in scalars times made; do
    mapfile -t columns < <(dw_sql erp "select attname from pg_attribute where attrelid = '$table'::regclass and attnum > 1 and attname not like '.%'")
    maps+=("$(copy_map "$table" "public.$table" id "${columns[@]}")")
done
step start
dw_begin "${maps[@]}"

step insert
dw_sql erp <<'SQL'
insert into scalars values
(1, 1, -32768, -2147483648, -9223372036854775808, 'NaN', -12345678901234567890.0123456789, '-Infinity', 'NaN', '-92233720368547758.08', false, '', '', '', '', '', '',
 '00000000-0000-0000-0000-000000000000', '{}', '{}', '<a/>', B'00000', B'', '0.0.0.0/0', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', 0, '0/0', 'pg_class'),
(2, 1, 32767, 2147483647, 9223372036854775807, 'Infinity', 0.0000000001, 1.17549435e-38, 4.9406564584124654e-324, '92233720368547758.07', true,
 E'quote '' double " back \\ tab \t line \n return \r bell \a end', E'\\N', 'pad', 'pg_name', 'x', '\x00ff5c27220a0d09',
 'ffffffff-ffff-ffff-ffff-ffffffffffff', '{"a" :  [1,2.50, 1e400], "a":"\u0041\n"}', '{"n": 1.10, "big": 123456789012345678901234567890.000, "s": "é\"\\"}',
 '<a b="c">&lt;é</a>', B'10101', B'110', 'fe80::1/64', '2001:db8::/32', 'ff:ff:ff:ff:ff:ff', 'ff:ff:ff:ff:ff:ff:ff:ff', 4294967295, 'FFFFFFFF/FFFFFFFF', 'scalars'),
(3, 1, 0, 0, 0, '-Infinity', null, 3.4028235e+38, 1.7976931348623157e308, 0, null, 'زمان 時間 🏯 e' || U&'\0301\200B\FEFF\+10FFFF', 'null', '  x  ', null, '''', decode(repeat('00', 3000), 'hex'),
 null, 'null', 'null', null, null, null, '::ffff:1.2.3.4', null, null, null, null, null, null);
insert into scalars (id, c_numeric) values
(4, ('0.' || repeat('0', 1000) || '1')::numeric), (5, ('9' || repeat('12345', 1000) || '.' || repeat('98765', 1000))::numeric), (6, 100), (7, 100.00), (8, -0.0), (9, 1e100);
insert into scalars (id, c_double, c_real) values (10, 0.1 + 0.2::float8, 0.1), (11, '-0', '-0'), (12, 1e15, 1e6), (13, 123456789012345680, 'Infinity');
insert into scalars (id, c_text) select 100 + n, chr(n) from generate_series(1, 127) n;
insert into times values
(1, 1, '-infinity', '00:00', '23:59:59.999', '00:00:00+15:59', '-infinity', '-infinity', 'infinity', '-178000000 years', '1 day'),
(2, 1, 'infinity', '24:00', '24:00', '23:59:59.999999-15:59', 'infinity', 'infinity', '2000-01-01', '178000000 years 11 months 100 days -25:00:00.000001', '-3 days 04:05:06.789'),
(3, 1, '4713-01-01 BC', '12:34:56.789012', null, '24:00:00-05:30', '4713-01-01 00:00:00 BC', '4713-01-02 00:00:00 BC', null, '1 mon -1 day', null),
(4, 1, '5874897-12-31', '00:00:00.000001', '01:02:03', '01:02:03.4+00', '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999999Z', '1900-01-01 00:00:00+00:19:32', '-0.000001 s', '0'),
(5, 1, '0001-01-01', null, null, null, '1582-10-10 12:00', '2024-03-31 02:30 Europe/Berlin', '2024-10-27 02:30 Europe/Berlin', 'P1Y2M3DT4H5M6.7S', null);
insert into made values
(1, 1, 'it''s ok', 99.99, 'ab c', row(1, 'x, "y" \ ''z'''), row(row(null, ''), array['a,b', null, 'null', '']), array['sad', null]::mood[], '{}', '{"a b","c\"d","e\\f","",NULL,"NULL","{}"}',
 '{{{1,2},{3,4}},{{5,6},{7,8}}}', '{-infinity,infinity,2024-02-29}', array['\x00'::bytea, '\x5c', ''], array[row(1, 'a'), row(null, null), null]::pair[],
 '[1,10)', '(,1.50]', '["2024-01-01 00:00Z",)', 'empty', '{[1,3),[5,9)}', '[-Infinity,1.5)', '(1.5,-2)', '{1,-1,0}', '(1,1),(0,0)', '[(0,0),(1,1)]', '((0,0),(1,1),(1,0))', '<(0,0),2>',
 'a:1 cat:3A ''it''''s'':2', '''fat'' & (''rat'' | !''cat'')', '{1.00,2}', array['{"a": 1}', 'null']::jsonb[]),
(2, 1, 'très "heureux"', 0, '', row(null, null), null, '{}', '[2:4]={10,null,30}', '{}', '{}', '{}', '{}', '{}', '(,)', 'empty', '(,)', '[2024-01-01,2024-01-05)', '{}', '(,)', '(NaN,Infinity)',
 null, null, '((0,0),(1,1))', null, null, '', '', '{}', '{}');
insert into made (id) values (3);
SQL
wait_caught_up scalars times made
for table in scalars times made; do assert_same_tables "$table"; done

step update
dw_sql erp "update scalars s set (c_smallint, c_numeric, c_double, c_text, c_bytea, c_jsonb, c_json, c_bool, c_money, v)
        = (select o.c_smallint, o.c_numeric, o.c_double, o.c_text, o.c_bytea, o.c_jsonb, o.c_json, o.c_bool, o.c_money, 2 from scalars o where o.id = 6 - s.id) where id < 6;
    update times t set (c_date, c_time, c_timetz, c_timestamp, c_timestamptz, c_interval, v)
        = (select o.c_date, o.c_time, o.c_timetz, o.c_timestamp, o.c_timestamptz, o.c_interval, 2 from times o where o.id = 6 - t.id);
    update made m set (c_mood, c_percent, c_pair, c_nested, c_texts, c_pairs, c_tstzrange, c_multi, v)
        = (select o.c_mood, o.c_percent, o.c_pair, o.c_nested, o.c_texts, o.c_pairs, o.c_tstzrange, o.c_multi, 2 from made o where o.id = 4 - m.id)"
wait_caught_up scalars times made
for table in scalars times made; do assert_same_tables "$table"; done

step "no dead letter, counts balance"
assert_sql crm "select sum(dead) from dualwrite.progress" 0
assert_counts_balance
