-- The demo's CRM: the same business as erp_schema.sql under other names, with other types, codes instead of words, tighter
-- columns, and columns of its own that no map touches. Load into an empty database: psql -f crm_schema.sql.
\set ON_ERROR_STOP on
begin;
create schema crm;

-- statecode of accounts and vendors: 0 active, 1 no invoices, 2 blocked.
create table crm.accounts (
    company          varchar(10)    not null,
    accountnumber    varchar(20)    not null,
    name             varchar(100)   not null,
    customergroup    varchar(20)    not null,
    currency         varchar(10)    not null,
    creditlimit      numeric(19, 4) not null,
    statecode        integer        not null,
    address1         text,
    emailaddress1    varchar(320)   not null,
    createdon        timestamptz    not null,
    modifiedon       timestamptz    not null,
    sourcesystem     varchar(20)    not null,
    relationshipnote text,          -- the CRM's own
    primary key (company, accountnumber)
);

create table crm.vendors (
    company          varchar(10)    not null,
    vendornumber     varchar(20)    not null,
    name             varchar(100)   not null,
    vendorgroup      varchar(20),
    statecode        integer        not null,
    taxregistration  varchar(30),
    bankaccount      varchar(40),
    paymentterms     varchar(20)    not null,
    isonetime        boolean        not null,
    createdon        timestamptz    not null,
    modifiedon       timestamptz    not null,
    sourcesystem     varchar(20)    not null,
    primary key (company, vendornumber)
);

-- A product deleted in the ERP stays here, with recordstate 1, since old order lines name it.
create table crm.products (
    company          varchar(10)    not null,
    productnumber    varchar(20)    not null,
    globalproductid  uuid           not null,
    name             varchar(200)   not null,
    description      text,
    productgroup     varchar(20)    not null,
    listprice        numeric(19, 4) not null,
    weight           numeric,
    volume           double precision,
    tags             text[]         not null,
    attributes       jsonb,
    image            bytea,
    specification    text,
    isdiscontinued   boolean        not null,
    leaddays         integer        not null,
    validfrom        date           not null,
    validto          date           not null,
    modifiedon       timestamptz    not null,
    recordstate      smallint       not null default 0,
    sourcesystem     varchar(20)    not null,
    primary key (company, productnumber)
);

-- statecode of orders and their lines: 0 open, 1 delivered, 2 canceled, 3 invoiced.
create table crm.salesorders (
    company          varchar(10)    not null,
    ordernumber      varchar(20)    not null,
    accountnumber    varchar(20)    not null,
    name             varchar(200)   not null,
    statecode        integer        not null,
    currency         varchar(10)    not null,
    customerpo       varchar(100)   not null,
    requesteddelivery date,
    shipto           text,
    prioritycode     integer        not null,
    createdon        timestamptz    not null,
    modifiedon       timestamptz    not null,
    sourcesystem     varchar(20)    not null,
    primary key (company, ordernumber),
    foreign key (company, accountnumber) references crm.accounts (company, accountnumber)
);
create index on crm.salesorders (company, accountnumber);

create table crm.salesorderdetails (
    company          varchar(10)    not null,
    ordernumber      varchar(20)    not null,
    linenumber       bigint         not null,
    productnumber    varchar(20)    not null,
    description      varchar(200),
    quantity         numeric(19, 4) not null,
    priceperunit     numeric(19, 4) not null,
    discountpercent  numeric(19, 4) not null,
    extendedamount   numeric(19, 4) not null,
    statecode        integer        not null,
    createdon        timestamptz    not null,
    modifiedon       timestamptz    not null,
    primary key (company, ordernumber, linenumber),
    foreign key (company, ordernumber) references crm.salesorders (company, ordernumber),
    foreign key (company, productnumber) references crm.products (company, productnumber)
);
create index on crm.salesorderdetails (company, productnumber);

create table crm.invoices (
    company          varchar(10)    not null,
    invoicenumber    varchar(20)    not null,
    ordernumber      varchar(20)    not null,
    accountnumber    varchar(20)    not null,
    invoicedon       date           not null,
    dueon            date           not null,
    totalamount      numeric(19, 4) not null,
    totaltax         numeric(19, 4) not null,
    currency         varchar(10)    not null,
    exchangerate     double precision not null,
    voucher          varchar(30),
    isprinted        boolean        not null,
    postedon         timestamp      not null,
    createdon        timestamptz    not null,
    sourcesystem     varchar(20)    not null,
    primary key (company, invoicenumber),
    foreign key (company, ordernumber) references crm.salesorders (company, ordernumber),
    foreign key (company, accountnumber) references crm.accounts (company, accountnumber)
);
create index on crm.invoices (company, ordernumber);
create index on crm.invoices (company, accountnumber);

commit;
