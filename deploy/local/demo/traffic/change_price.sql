-- A product gets another price; its long specification stays as it is and so is not in the change. Weight 5.
\set product random(1, 1000 * :scale)
update inventtable
set price = greatest(0.0001, round(price * (0.9 + random() * 0.2)::numeric, 4)), modifieddatetime = clock_timestamp()
where dataareaid = case when :product % 2 = 1 then 'usmf' else 'demf' end and itemid = 'P' || lpad(:product::text, 7, '0');
