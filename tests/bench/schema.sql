-- The table of the benchmarks, the same on all sides: 16 columns, a key of two texts, about 200 bytes a row.
create table customers (
    company  text           not null,
    account  text           not null,
    name     text           not null,
    grp      varchar(10),
    currency char(3)        not null,
    credit   numeric(18, 2) not null,
    balance  numeric(18, 2) not null,
    blocked  smallint       not null,
    street   text,
    city     text,
    country  char(2),
    email    text,
    phone    text,
    version  bigint         not null,
    created  timestamptz    not null,
    modified timestamptz    not null,
    primary key (company, account)
) with (autovacuum_enabled = off); -- run between the measurements instead, on all sides
create function bench_rows(first int, last int) returns setof customers language sql as $$
    select case when n % 2 = 0 then 'usmf' else 'demf' end, 'C' || lpad(n::text, 8, '0'), 'Customer number ' || n || ' of the benchmark',
        (array['10', '20', '30', null])[1 + n % 4], 'EUR', n % 100000 + 0.25, n % 7777 - 0.5, n % 3, n || ' Main Street', 'Springfield', 'DE',
        'office' || n || '@customer.example', '+49 30 ' || n, 0, timestamptz '2024-01-01 00:00Z' + n * interval '1 s', timestamptz '2024-01-01 00:00Z' + n * interval '1 s'
    from generate_series(first, last) n
$$;
