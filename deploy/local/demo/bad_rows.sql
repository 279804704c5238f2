-- Two rows that the ERP takes and the CRM cannot: each must end as a dead letter with its reason, and stop nothing else.
-- No traffic script touches them, so no other event waits for them.
\set ON_ERROR_STOP on

-- The name has 120 characters; crm.accounts.name takes 100.
insert into custtable (dataareaid, accountnum, name, creditmax)
values ('usmf', 'BAD-NAME', rpad('Amalgamated Holdings of the Greater Metropolitan Area ', 120, 'and Sons '), 5000);

-- The status comes from an extension of the ERP; the value map of orders has no entry for it.
insert into salestable (dataareaid, salesid, custaccount, salesname, salesstatus)
values ('usmf', 'BAD-STATUS', 'C0000001', 'Status without an entry in the value map', 'OnHold');
