-- A customer moves to another group, or a group gets another name. Traffic for pgbench: weight 3.
\set customer random(1, 2000 * :scale)
\set what random(1, 10)
begin;
update custtable
set custgroup = (array['10', '20', '30', '80', '90'])[1 + :what % 5], modifieddatetime = clock_timestamp()
where :what <= 8 and dataareaid = case when :customer % 2 = 1 then 'usmf' else 'demf' end and accountnum = 'C' || lpad(:customer::text, 7, '0');
update custgroup
set name = split_part(name, ' no. ', 1) || ' no. ' || :customer
where :what > 8 and dataareaid = case when :customer % 2 = 1 then 'usmf' else 'demf' end and custgroup = '30';
commit;
