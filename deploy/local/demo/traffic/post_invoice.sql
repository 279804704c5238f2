-- A delivered or open order is invoiced: the invoice appears, order and lines change their status, in one transaction.
-- Traffic for pgbench: weight 10.
begin;
with pick as materialized (
    select dataareaid, salesid, custaccount, currencycode from salestable
    where salesstatus in ('Backorder', 'Delivered')
        and recid >= (select 1 + floor(random() * last_value)::bigint from salestable_recid_seq)
    order by recid limit 1 for no key update skip locked
), done as (
    update salestable o set salesstatus = 'Invoiced', modifieddatetime = clock_timestamp()
    from pick where o.dataareaid = pick.dataareaid and o.salesid = pick.salesid
), lines as (
    update salesline l set salesstatus = 'Invoiced', modifieddatetime = clock_timestamp()
    from pick where l.dataareaid = pick.dataareaid and l.salesid = pick.salesid
    returning l.lineamount
), number as (
    select nextval('invoiceid_seq') as n from pick
)
insert into custinvoicejour (dataareaid, invoiceid, salesid, invoiceaccount, invoicedate, duedate, invoiceamount, sumtax,
    currencycode, exchrate, ledgervoucher, posteddatetime)
select dataareaid, 'I' || lpad(n::text, 9, '0'), salesid, custaccount, current_date, current_date + 30, round(amount * 1.19, 2),
       round(amount * 0.19, 2), currencycode, case when currencycode = 'EUR' then 1 else 1 / 1.0837 end, 'ARI-' || n, localtimestamp
from pick, number, (select coalesce(sum(lineamount), 0) as amount from lines) total;
commit;
