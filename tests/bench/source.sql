-- The loads, made in the source's server so that no client limits them.
create sequence latency_key;

-- Transactions of `batch` inserted rows, keys from `first` on.
create procedure bench_insert(first int, rows int, batch int) language plpgsql as $$
begin
    for at in first .. first + rows - 1 by batch loop
        insert into customers select * from bench_rows(at, least(at + batch, first + rows) - 1);
        commit;
    end loop;
end $$;

-- Transactions of `batch` updates, each of all columns but the key, over rows 1 to `rows`.
create procedure bench_update(rows int, batch int, round int) language plpgsql as $$
begin
    for at in 1 .. rows by batch loop
        update customers c
        set name = r.name || ' ' || round, grp = r.grp, credit = r.credit + round, balance = r.balance - round, blocked = (r.blocked + round) % 3,
            street = r.street, city = r.city || round, email = r.email, phone = r.phone, version = round, modified = r.modified + round * interval '1 day'
        from bench_rows(at, least(at + batch - 1, rows)) r
        where c.company = r.company and c.account = r.account;
        commit;
    end loop;
end $$;
