-- A new order with one to five lines, in one transaction. Traffic for pgbench: weight 40.
-- All scripts here want pgbench's simple query mode (its default), -n, and -s as the scale that the seed was given.
\set customer random(1, 2000 * :scale)
\set lines random(1, 5)
begin;
select nextval('salesid_seq') as n \gset
insert into salestable (dataareaid, salesid, custaccount, salesname, currencycode, customerref, deliverydate, deliveryaddress, priority)
select dataareaid, 'S' || lpad(:n::text, 9, '0'), accountnum, name, currencycode, 'PO-' || :n, current_date + :lines, address, :lines % 3
from custtable
where dataareaid = case when :customer % 2 = 1 then 'usmf' else 'demf' end and accountnum = 'C' || lpad(:customer::text, 7, '0');
insert into salesline (dataareaid, salesid, linenum, itemid, name, salesqty, salesprice, lineamount)
select p.dataareaid, 'S' || lpad(:n::text, 9, '0'), line, p.itemid, p.name, qty, p.price, round(qty * p.price, 2)
from generate_series(1, :lines) line
cross join lateral (select 1 + (:n + line * 7) % 20 as qty,
                           2 * (1 + (:n * 31 + line * 17) % (500 * :scale)) - :customer % 2 as product) pick
join inventtable p on p.dataareaid = case when :customer % 2 = 1 then 'usmf' else 'demf' end
    and p.itemid = 'P' || lpad(product::text, 7, '0');
commit;
