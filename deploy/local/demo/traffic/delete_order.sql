-- An order of which nothing was shipped is deleted, its lines first. Traffic for pgbench: weight 5.
begin;
select coalesce(max(recid), 0) as order_recid from (
    select recid from salestable
    where salesstatus = 'Backorder' and recid >= (select 1 + floor(random() * last_value)::bigint from salestable_recid_seq)
    order by recid limit 1 for update skip locked) pick \gset
delete from salesline l using salestable o
where o.recid = :order_recid and l.dataareaid = o.dataareaid and l.salesid = o.salesid;
delete from salestable where recid = :order_recid;
commit;
