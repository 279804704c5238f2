-- Fills the demo's ERP, the same at every run: at scale 1 2 companies, 10 groups, 2,000 customers, 500 vendors, 1,000 products, 3,000 orders with
-- 9,000 lines and 2,000 invoices. Larger: psql -v scale=10 -f erp_seed.sql (scale is a whole number).
-- Number n of anything belongs to company usmf if n is odd and to demf if it is even; its key is a letter and n. The
-- traffic scripts rely on that.
\set ON_ERROR_STOP on
\if :{?scale} \else
    \set scale 1
\endif
set timezone = 'UTC';
set synchronous_commit = off;

insert into companyinfo values ('usmf', 'Contoso Entertainment System USA', 'en-us'), ('demf', 'Contoso Entertainment System Germany', 'de');
insert into custgroup
select c.dataarea, g.code, g.name || ' (' || c.dataarea || ')', case when g.code = '90' then null else 'Net' || g.code end
from companyinfo c
cross join (values ('10', 'Wholesale'), ('20', 'Major'), ('30', 'Retail'), ('80', 'Other'), ('90', 'Intercompany')) g (code, name);

select setseed(0.1) \g /dev/null
insert into custtable
select case when n % 2 = 1 then 'usmf' else 'demf' end,
       'C' || lpad(n::text, 7, '0'),
       coalesce(odd.name, (array['Contoso', 'Fabrikam', 'Litware', 'Northwind', 'Adatum', 'Proseware', 'Trey', 'Woodgrove'])[1 + n % 8]
           || ' ' || (array['Retail', 'Foods', 'Motors', 'Textil GmbH', 'Café', 'Logistik', 'Bau AG', 'Électricité'])[1 + n / 8 % 8] || ' ' || n),
       case when n % 17 = 0 then null else (array['10', '20', '30', '80', '90'])[1 + n % 5] end,
       case when n % 2 = 1 then 'USD' else 'EUR' end,
       round((random() * 100000)::numeric, 2),
       (case when n % 50 = 0 then 'All' when n % 20 = 0 then 'Invoice' else 'No' end)::accountblocked,
       case when n % 23 = 0 then null else n || ' Main Street' || E'\n' || (10000 + n % 89999) || ' Springfield' end,
       case when n % 10 = 0 then null when n % 10 = 5 then '' else 'office' || n || '@customer.example' end,
       timestamptz '2023-01-01 08:00Z' + n * interval '17 minutes 3.000001 seconds',
       timestamptz '2024-01-01 08:00Z' + n * interval '11 minutes 0.123456 seconds'
from generate_series(1, 2000 * :scale) n
left join (values
    (1, $$O'Brien & "Söhne" \ Partner$$),
    (2, 'شركة الأمل للتجارة'),
    (3, 'חברת דוגמה בע״מ'),
    (4, '株式会社サンプル 🏯'),
    (5, E'Tab\there, line\nthere, return\rtoo'),
    (6, ' blanks around '),
    (7, 'NULL'),
    (8, '{"json": [1, 2]}, <b>&amp;</b>; -- drop')
) odd (n, name) using (n);

select setseed(0.2) \g /dev/null
insert into vendtable
select case when n % 2 = 1 then 'usmf' else 'demf' end,
       'V' || lpad(n::text, 7, '0'),
       (array['Alpine', 'Bellows', 'Coho', 'Datum', 'Lucerne', 'Margie', 'Tailspin'])[1 + n % 7] || ' Supplies ' || n,
       case when n % 13 = 0 then null else (array['10', '20', '40'])[1 + n % 3] end,
       (case when n % 40 = 0 then 'All' when n % 25 = 0 then 'Invoice' else 'No' end)::accountblocked,
       case when n % 6 = 0 then null else 'DE' || (100000000 + n * 7919) end,
       'DE' || lpad((n * 97 % 100)::text, 2, '0') || lpad((random() * 1e17)::numeric(18, 0)::text, 18, '0'),
       case when n % 4 = 0 then null else (array['Net10', 'Net30', 'Net60'])[1 + n % 3] end,
       n % 30 = 0,
       timestamptz '2023-01-01 09:00Z' + n * interval '1 hour',
       timestamptz '2024-01-01 09:00Z' + n * interval '41 minutes'
from generate_series(1, 500 * :scale) n;

-- Every 20th product has a specification of 10 to 40 kB, every 10th a thumbnail.
select setseed(0.3) \g /dev/null
insert into inventtable
select case when n % 2 = 1 then 'usmf' else 'demf' end,
       'P' || lpad(n::text, 7, '0'),
       md5('product ' || n)::uuid,
       coalesce(odd.name, (array['Speaker', 'Cable', 'Lamp', 'Chair', 'Projector'])[1 + n % 5] || ' model ' || n),
       case when odd.n is not null then odd.description when n % 3 = 0 then null else 'Standard delivery, item ' || n end,
       case when n % 19 = 0 then null else (array['Audio', 'Video', 'Office'])[1 + n % 3] end,
       round((0.0001 + random() * 2000)::numeric, 4),
       coalesce(odd.netweight, case when n % 5 = 0 then null else round((random() * 50)::numeric, n % 9) end),
       coalesce(odd.volume, case when n % 5 = 0 then null else random() end),
       coalesce(odd.tags, array['group ' || n % 7, 'new']),
       coalesce(odd.attributes, jsonb_build_object('colour', (array['red', 'green', 'blue'])[1 + n % 3], 'watts', n % 300, 'sizes', jsonb_build_array(n % 5, n % 7))),
       case when n % 10 = 0 then decode(repeat(md5(n::text), 20), 'hex') when n % 10 = 1 then '\x'::bytea end,
       case when n % 20 = 0 then (select string_agg(md5(n || ' ' || i), E'\n') from generate_series(1, 300 + n % 900) i) end,
       n % 100 = 0,
       n % 60,
       case when n % 4 = 0 then '-infinity' else date '2020-01-01' + n % 1000 end,
       case when n % 2 = 0 then 'infinity' else date '2030-01-01' + n % 1000 end,
       timestamptz '2024-01-01 00:00Z' + n * interval '7 minutes 0.000009 seconds'
from generate_series(1, 1000 * :scale) n
left join (values
    (1, $$27" monitor, 'matte' \ "gloss"$$, '', 12345678901234567890.123456789012345678901234567890, 1e-300::float8,
        array['with "quotes"', $$it's$$, $$back\slash$$, '', 'NULL', 'comma, brace}'], '{"a\"b": "\\ \n \u00e9", "big": 12345678901234567890.000000000000000001}'::jsonb),
    (2, E'Tab\tnewline\nreturn\rvertical\x0bend', null, 0, 0, '{}', 'null'),
    (3, 'Lampe «Été» 💡👩‍👩‍👧', '💡', -0.000000000000000000000000000001, -0.1::float8, array[null, 'null', '💡'], '[]'),
    (4, 'سماعة لاسلكية ١٢٣', 'مكبر صوت', 1e20, 'Infinity', array['عربي'], '{"لون": "أحمر"}'),
    (5, 'רמקול ‏(אלחוטי)‏', ' ', 'NaN', 'NaN', array[' '], '"text"'),
    (6, 'e' || U&'\0301' || ' combining, U+10FFFF ' || U&'\+10FFFF' || ' zero width' || U&'\200B', E'\\N', 100.00, 1.7976931348623157e308, array[E'\\N'], '{}'),
    (7, E'\\.', E'line\n\\.\nline', 0.10, 0.1 + 0.2::float8, array[E'a\nb', E'a\tb'], '{"n": null, "t": true, "e": 1e5}')
) odd (n, name, description, netweight, volume, tags, attributes) using (n);

-- Of three orders two are invoiced; the lines of an order have its status.
insert into salestable (dataareaid, salesid, custaccount, salesname, salesstatus, currencycode, customerref, deliverydate,
    deliveryaddress, priority, createddatetime, modifieddatetime)
select c.dataareaid,
       'S' || lpad(n::text, 9, '0'),
       c.accountnum,
       c.name,
       case when n % 3 <> 0 then 'Invoiced' when n % 15 = 0 then 'Canceled' when n % 2 = 0 then 'Delivered' else 'Backorder' end,
       c.currencycode,
       case when n % 4 = 0 then null else 'PO-' || n end,
       case when n % 11 = 0 then null else date '2024-02-01' + n % 300 end,
       c.address,
       n % 3,
       timestamptz '2024-02-01 08:00Z' + n * interval '5 minutes',
       timestamptz '2024-02-01 08:00Z' + n * interval '6 minutes 0.5 seconds'
from generate_series(1, 3000 * :scale) n
-- The factor spreads the orders over the customers and keeps the company: it is odd, and the number of customers is even.
join custtable c on c.accountnum = 'C' || lpad((1 + (n * 7 - 1) % (2000 * :scale))::text, 7, '0')
order by n;
select setval('salesid_seq', 3000 * :scale) \g /dev/null

insert into salesline
select o.dataareaid, o.salesid, line, p.itemid, p.name, q.salesqty, p.price, q.linepercent,
       round(q.salesqty * p.price * (100 - q.linepercent) / 100, 2), o.salesstatus, o.createddatetime, o.modifieddatetime
from salestable o
cross join lateral (select substr(o.salesid, 2)::int as n) id
cross join lateral generate_series(1, 1 + n % 5) line
cross join lateral (select (1 + (n * 13 + line * 37) % 40)::numeric(18, 4) / (case when n % 7 = 0 then 8 else 1 end) as salesqty,
                           (n % 4 * 2.5)::numeric(6, 2) as linepercent) q
join inventtable p on p.dataareaid = o.dataareaid
    and p.itemid = 'P' || lpad((2 * (1 + (n * 31 + line * 17) % (500 * :scale)) - n % 2)::text, 7, '0')
order by o.recid, line;

insert into custinvoicejour
select o.dataareaid,
       'I' || lpad(row_number() over (order by o.recid)::text, 9, '0'),
       o.salesid, o.custaccount,
       o.deliverydate + 1 as invoicedate,
       case when n % 9 = 0 then null else o.deliverydate + 31 end,
       round(amount * 1.19, 2), round(amount * 0.19, 2), o.currencycode,
       case when o.currencycode = 'EUR' then 1 else 1 / 1.0837 end,
       'ARI-' || n,
       n % 2 = 0,
       timestamp '2024-03-01 00:00' + n * interval '5 minutes 0.25 seconds',
       timestamptz '2024-03-01 00:00Z' + n * interval '5 minutes'
from (select t.dataareaid, t.salesid, t.custaccount, t.currencycode, t.recid, coalesce(t.deliverydate, date '2024-03-01') as deliverydate,
             substr(t.salesid, 2)::int as n
      from salestable t where t.salesstatus = 'Invoiced') o
cross join lateral (select sum(l.lineamount) as amount from salesline l where l.dataareaid = o.dataareaid and l.salesid = o.salesid) s;
select setval('invoiceid_seq', (select count(*) from custinvoicejour)) \g /dev/null

reset synchronous_commit;
analyze;
