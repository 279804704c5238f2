#!/usr/bin/env bash
# A partitioned source table is one table: rows of all partitions, moves between them, partitions that come and go.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config
dw_sql erp "create table sale (region text, id int, v int not null default 1, note text, primary key (region, id)) partition by list (region);
    create table sale_north partition of sale for values in ('north');
    create table sale_south partition of sale for values in ('south') partition by range (id);
    create table sale_south_low partition of sale_south for values from (0) to (100);
    create table sale_south_high partition of sale_south for values from (100) to (10000)"
dw_sql crm "create table sale (region text, id int, v int, note text, primary key (region, id)) partition by hash (id);
    create table sale_0 partition of sale for values with (modulus 2, remainder 0);
    create table sale_1 partition of sale for values with (modulus 2, remainder 1)"
step start
dw_begin "$(copy_map sales public.sale region,id v note)"
step "rows in all partitions"
dw_sql erp "insert into sale (region, id, note) select case when n % 2 = 0 then 'north' else 'south' end, n, 'n' || n from generate_series(1, 200) n;
    update sale set v = 2 where id % 3 = 0; delete from sale where id % 10 = 0"
wait_caught_up sales
assert_same_tables sale
step "a row moves to another partition"
dw_sql erp "update sale set region = 'south', v = 3 where region = 'north' and id < 20; update sale set id = id + 1000, v = 4 where region = 'south' and id in (33, 35)"
wait_caught_up sales
assert_same_tables sale
step "partitions come and go"
dw_sql erp "create table sale_west partition of sale for values in ('west');
    insert into sale (region, id) select 'west', n from generate_series(1, 20) n; update sale set v = 2 where region = 'west' and id < 5;
    create table sale_east (region text not null, id int not null, v int not null default 1, note text);
    alter table sale attach partition sale_east for values in ('east');
    insert into sale_east (region, id, note) values ('east', 1, 'straight into the partition')"
wait_caught_up sales
assert_same_tables sale
assert_sql crm "select count(*) from sale where region in ('west', 'east')" 21
step "a partition of its own map: refused with the reason, since its changes come under the root's name"
dw_sql crm "create table north (region text, id int, v int, note text, primary key (region, id))"
copy_map north public.sale_north region,id v note | jq '.target.table = "public.north"' >"$dw_dir/north.json"
if dw_cli map apply "$dw_dir/north.json" --start >"$dw_dir/north.out" 2>&1; then
    wait_until 15 map_is north error
    assert_eq "$(map_code north)" DW-CAPTURE-043
else
    assert_match "$(<"$dw_dir/north.out")" 'partition'
fi
assert_sql crm "select sum(dead) from dualwrite.progress where map = 'sales'" 0
assert_counts_balance
