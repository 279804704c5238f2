-- The demo's ERP: a handful of tables with the names, the keys (company first) and the habits of Dynamics 365 Finance &
-- Operations. Load into an empty database: psql -v ON_ERROR_STOP=1 -f erp_schema.sql; then erp_seed.sql fills it.
-- What the ERP allows and the CRM (crm_schema.sql) does not is intended: bad_rows.sql makes use of it.
\set ON_ERROR_STOP on
begin;

create type accountblocked as enum ('No', 'Invoice', 'All');

-- Companies, and the groups of customers in each.
create table companyinfo (
    dataarea         varchar(4)     not null primary key,
    name             text           not null,
    languageid       varchar(10)    not null default 'en-us'
);

create table custgroup (
    dataareaid       varchar(4)     not null,
    custgroup        varchar(10)    not null,
    name             text           not null,
    paymtermid       varchar(10),
    primary key (dataareaid, custgroup)
);

-- Customers. The name has no limit here; the CRM takes 100 characters.
create table custtable (
    dataareaid       varchar(4)     not null,
    accountnum       varchar(20)    not null,
    name             text           not null,
    custgroup        varchar(10),
    currencycode     char(3)        not null default 'EUR',
    creditmax        numeric(18, 2) not null default 0,
    blocked          accountblocked not null default 'No',
    address          text,
    email            text,
    createddatetime  timestamptz    not null default now(),
    modifieddatetime timestamptz    not null default now(),
    primary key (dataareaid, accountnum)
);

-- The group names a row of the CRM: so every change has to bring it, even where the server could leave it out as unchanged.
alter table custtable replica identity full;

-- Vendors; those that are used once are no business of the CRM's.
create table vendtable (
    dataareaid       varchar(4)     not null,
    accountnum       varchar(20)    not null,
    name             text           not null,
    vendgroup        varchar(10),
    blocked          accountblocked not null default 'No',
    vatnum           varchar(20),
    iban             varchar(34),
    paymtermid       varchar(10),
    onetimevendor    boolean        not null default false,
    createddatetime  timestamptz    not null default now(),
    modifieddatetime timestamptz    not null default now(),
    primary key (dataareaid, accountnum)
);

-- Products: here are the awkward values. Storage "external" keeps long specifications out of the row, uncompressed, so
-- that an update of the price alone does not carry them.
create table inventtable (
    dataareaid       varchar(4)     not null,
    itemid           varchar(20)    not null,
    productid        uuid           not null,
    name             text           not null,
    description      text,
    itemgroupid      varchar(10),
    price            numeric(18, 4) not null default 0,
    netweight        numeric,
    volume           double precision,
    tags             text[]         not null default '{}',
    attributes       jsonb,
    thumbnail        bytea,
    specification    text,
    stopped          boolean        not null default false,
    leadtime         smallint       not null default 0,
    validfrom        date           not null default '-infinity',
    validto          date           not null default 'infinity',
    modifieddatetime timestamptz    not null default now(),
    primary key (dataareaid, itemid)
);
alter table inventtable alter column specification set storage external;

-- Orders. The status is free text here, as in a system with extensions; the map knows four values of it.
create sequence salesid_seq;
create table salestable (
    dataareaid       varchar(4)     not null,
    salesid          varchar(20)    not null,
    custaccount      varchar(20)    not null,
    salesname        text           not null,
    salesstatus      varchar(20)    not null default 'Backorder',
    currencycode     char(3)        not null default 'EUR',
    customerref      varchar(60),
    deliverydate     date,
    deliveryaddress  text,
    priority         smallint       not null default 0,
    createddatetime  timestamptz    not null default now(),
    modifieddatetime timestamptz    not null default now(),
    recid            bigint         generated always as identity unique,
    primary key (dataareaid, salesid),
    foreign key (dataareaid, custaccount) references custtable (dataareaid, accountnum)
);
create index on salestable (dataareaid, custaccount);

create table salesline (
    dataareaid       varchar(4)     not null,
    salesid          varchar(20)    not null,
    linenum          integer        not null,
    itemid           varchar(20)    not null,
    name             text,
    salesqty         numeric(18, 4) not null,
    salesprice       numeric(18, 4) not null,
    linepercent      numeric(6, 2)  not null default 0,
    lineamount       numeric(18, 2) not null,
    salesstatus      varchar(20)    not null default 'Backorder',
    createddatetime  timestamptz    not null default now(),
    modifieddatetime timestamptz    not null default now(),
    primary key (dataareaid, salesid, linenum),
    foreign key (dataareaid, salesid) references salestable (dataareaid, salesid),
    foreign key (dataareaid, itemid) references inventtable (dataareaid, itemid)
);
create index on salesline (dataareaid, itemid);

-- Invoices, posted once and never changed. "posteddatetime" has no time zone, as in old tables of every ERP.
create sequence invoiceid_seq;
create table custinvoicejour (
    dataareaid       varchar(4)     not null,
    invoiceid        varchar(20)    not null,
    salesid          varchar(20)    not null,
    invoiceaccount   varchar(20)    not null,
    invoicedate      date           not null,
    duedate          date,
    invoiceamount    numeric(18, 2) not null,
    sumtax           numeric(18, 2) not null default 0,
    currencycode     char(3)        not null default 'EUR',
    exchrate         double precision not null default 1,
    ledgervoucher    varchar(20),
    printed          boolean        not null default false,
    posteddatetime   timestamp      not null,
    createddatetime  timestamptz    not null default now(),
    primary key (dataareaid, invoiceid),
    foreign key (dataareaid, salesid) references salestable (dataareaid, salesid),
    foreign key (dataareaid, invoiceaccount) references custtable (dataareaid, accountnum)
);
create index on custinvoicejour (dataareaid, salesid);
create index on custinvoicejour (dataareaid, invoiceaccount);

commit;
