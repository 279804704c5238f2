-- What somebody with a psql does to the CRM behind everybody's back: one row changed by hand, one removed, one added, one
-- amount corrupted. No traffic script writes these rows again, so no event would mend them.
\set ON_ERROR_STOP on

update crm.customergroups set name = 'Renamed by hand' where company = 'usmf' and groupcode = '20';

update crm.invoices set totalamount = totalamount + 0.01 where company = 'usmf' and invoicenumber = 'I000000001';

delete from crm.salesorderdetails where company = 'usmf' and ordernumber = 'S000000001' and linenumber = 1;

insert into crm.vendors (company, vendornumber, name, statecode, paymentterms, isonetime, createdon, modifiedon, sourcesystem)
values ('demf', 'V-GHOST', 'A vendor that the ERP never had', 0, 'Net30', false, now(), now(), 'psql');
