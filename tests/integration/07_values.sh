#!/usr/bin/env bash
# Value maps, constants, defaults, conversions between types; what does not fit is a dead letter, never cut or rounded.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config '.consumer.breaker_percent = 100'
dw_sql erp "create table item (id int primary key, v int not null default 1, status text, flag boolean, kind smallint, name text, price numeric, qty bigint, code text, at timestamp, ratio float8)"
dw_sql crm "create table product (id bigint primary key, v int, state int not null, active varchar(3) not null, kind text not null, name varchar(10), price numeric(6, 2),
    qty int, code int, on_day text, ratio real, origin text not null, level int not null, own text default 'crm')"
map='{ "map": "items", "version": "1.0.0",
    "source": { "system": "erp", "table": "public.item", "key": ["id"] },
    "target": { "system": "crm", "table": "public.product", "key": ["id"] },
    "direction": "forward",
    "columns": [
        { "source": "v", "target": "v" },
        { "source": "status", "target": "state", "values": { "open": 0, "it'"'"'s \"done\"": 1, "": 2 }, "default_when_null": -1 },
        { "source": "flag", "target": "active", "values": { "true": "yes", "false": "no" }, "default_when_null": "n/a" },
        { "source": "kind", "target": "kind", "values": { "1": "one", "-2": "minus two" }, "default_when_null": "none" },
        { "source": "name", "target": "name" }, { "source": "price", "target": "price" }, { "source": "qty", "target": "qty" },
        { "source": "code", "target": "code" }, { "source": "at", "target": "on_day" }, { "source": "ratio", "target": "ratio" },
        { "target": "origin", "default": "erp" }, { "target": "level", "default": 3 } ] }'
step start
dw_begin "$map"
step "what fits"
dw_sql erp "insert into item (id, status, flag, kind, name, price, qty, code, at, ratio) values
    (1, 'open', true, 1, 'ten chars!', 9999.99, 2147483647, '12', '2024-02-29 12:00:00.5', 0.5), (2, 'it''s \"done\"', false, -2, 'ärger 日本🏯', 1.50, -2147483648, '-7', null, -0.25),
    (3, '', null, null, null, 1.5000, 0, null, 'infinity', 1e30), (4, null, null, null, '', null, null, null, null, 'NaN');
    update item set v = 2, status = 'open' where id = 3"
wait_caught_up items
assert_sql crm "select id, v, state, active, kind, name, price, qty, code, on_day, ratio, origin, level, own from product order by id" \
"1|1|0|yes|one|ten chars!|9999.99|2147483647|12|2024-02-29 12:00:00.5|0.5|erp|3|crm
2|1|1|no|minus two|ärger 日本🏯|1.50|-2147483648|-7||-0.25|erp|3|crm
3|2|0|n/a|none||1.50|0||infinity|1e+30|erp|3|crm
4|1|-1|n/a|none||||||NaN|erp|3|crm"

step "what does not fit"
dw_sql erp "insert into item (id, status, kind, name, price, qty, code, ratio) values
    (11, 'unknown', 1, '', 0, 0, '0', 0), (12, 'open', 3, '', 0, 0, '0', 0), (13, 'open', 1, 'eleven char', 0, 0, '0', 0), (14, 'open', 1, '', 10000, 0, '0', 0),
    (15, 'open', 1, '', 1.005, 0, '0', 0), (16, 'open', 1, '', 0, 2147483648, '0', 0), (17, 'open', 1, '', 0, 0, '1.5', 0), (18, 'open', 1, '', 0, 0, 'x', 0),
    (19, 'open', 1, '', 'NaN', 0, '0', 0), (20, 'Open', 1, '', 0, 0, '0', 0), (21, 'open', 1, '', 0, 0, '0', 1e300), (22, 'open', 1, '', 0, 0, '', 0);
    insert into item (id, status, name) values (30, 'open', 'good')"
wait_caught_up items
# NaN fits into numeric(6, 2): PostgreSQL says so.
assert_sql crm "select string_agg(id::text, ',' order by id) from product" 1,2,3,4,19,30
wait_letters items 11
letters=$(dw_sql state "select convert_from(key, 'UTF8') || '|' || class || '|' || column_name from dualwrite.dead_letter where map = 'items' order by record_offset")
for wanted in 11:state 12:kind 13:name 14:price 15:price 16:qty 17:code 18:code 20:state 21:ratio 22:code; do
    assert_match "$letters" "\{\"id\":${wanted%:*}\}\|(data|constraint)\|${wanted#*:}" "dead letter of ${wanted%:*}"
done
step "a row that is mended arrives"
dw_sql erp "update item set status = 'open', v = 2 where id = 11"
wait_caught_up items
assert_sql crm "select v, state from product where id = 11" '2|0'
assert_counts_balance
