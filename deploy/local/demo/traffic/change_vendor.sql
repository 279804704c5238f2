-- A vendor changes its terms, or becomes one that is used once, or the reverse: it leaves the map's filter or comes back to it.
-- Traffic for pgbench: weight 5.
\set vendor random(1, 500 * :scale)
\set what random(1, 4)
update vendtable
set onetimevendor = case when :what = 1 then not onetimevendor else onetimevendor end,
    paymtermid = (array['Net10', 'Net30', 'Net60'])[1 + :what % 3],
    modifieddatetime = clock_timestamp()
where dataareaid = case when :vendor % 2 = 1 then 'usmf' else 'demf' end and accountnum = 'V' || lpad(:vendor::text, 7, '0');
