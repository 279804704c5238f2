-- pgbench: one new row.
insert into customers select company, 'L' || nextval('latency_key'), name, grp, currency, credit, balance, blocked, street, city, country, email, phone, version, now(), now()
from bench_rows(1, 1);
