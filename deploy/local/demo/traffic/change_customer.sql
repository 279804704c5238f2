-- A customer's credit limit, or address and e-mail, or block changes. Traffic for pgbench: weight 20.
\set customer random(1, 2000 * :scale)
\set what random(1, 10)
update custtable
set creditmax = case when :what <= 6 then round((random() * 100000)::numeric, 2) else creditmax end,
    address = case when :what between 7 and 9 then (:customer + :what) || ' New Street' || chr(10) || 'Springfield' else address end,
    email = case when :what = 7 then null when :what in (8, 9) then 'new' || :customer || '@customer.example' else email end,
    blocked = case when :what <> 10 then blocked when blocked = 'No' then 'Invoice' when blocked = 'Invoice' then 'All' else 'No' end,
    modifieddatetime = clock_timestamp()
where dataareaid = case when :customer % 2 = 1 then 'usmf' else 'demf' end and accountnum = 'C' || lpad(:customer::text, 7, '0');
