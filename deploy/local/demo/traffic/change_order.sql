-- An open order is delivered or canceled with all its lines, or gets another date and another quantity in its first line.
-- Traffic for pgbench: weight 20.
\set what random(1, 10)
begin;
with pick as materialized (
    select dataareaid, salesid from salestable
    where salesstatus = 'Backorder' and recid >= (select 1 + floor(random() * last_value)::bigint from salestable_recid_seq)
    order by recid limit 1 for no key update skip locked
), changed as (
    update salestable o
    set salesstatus = case :what when 1 then 'Canceled' when 2 then 'Delivered' when 3 then 'Delivered' else o.salesstatus end,
        deliverydate = o.deliverydate + :what, modifieddatetime = clock_timestamp()
    from pick where o.dataareaid = pick.dataareaid and o.salesid = pick.salesid
    returning o.dataareaid, o.salesid, o.salesstatus
)
update salesline l
set salesstatus = changed.salesstatus, salesqty = l.salesqty + :what, lineamount = round((l.salesqty + :what) * l.salesprice, 2),
    modifieddatetime = clock_timestamp()
from changed
where l.dataareaid = changed.dataareaid and l.salesid = changed.salesid and (changed.salesstatus <> 'Backorder' or l.linenum = 1);
commit;
