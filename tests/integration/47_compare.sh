#!/usr/bin/env bash
# Both sides are compared: every kind of damage is found exactly, in a column of every type, by hashes and by rows; repaired
# through the ordinary path, and found gone.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config '.producer.heartbeat_ms = 200'

# One column for each type: NAME TYPE EXPRESSION of n, which differs from one n to the next.
columns=(
    'c_bool|bool|n % 2 = 0' 'c_smallint|smallint|n' 'c_int|int|n' 'c_bigint|bigint|n * 1000000007::bigint'
    'c_numeric|numeric|n / 7.0' 'c_fixed|numeric(12, 3)|n * 1.5' 'c_real|real|n / 3.0' 'c_double|float8|n / 3.0'
    'c_money|money|n' "c_text|text|'text ' || n" "c_varchar|varchar(40)|'é' || n" "c_char|char(8)|'c' || n" "c_name|name|'n' || n"
    "c_internal|\"char\"|chr(65 + n % 26)" "c_bytea|bytea|decode(md5(n::text), 'hex')" "c_uuid|uuid|md5(n::text)::uuid"
    "c_json|json|json_build_object('n', n)" "c_jsonb|jsonb|jsonb_build_object('n', n, 'x', 1.50)" "c_bit|bit(8)|(n % 256)::bit(8)"
    "c_varbit|varbit|(n % 256)::bit(8)" "c_inet|inet|'10.0.0.0'::inet + n" "c_cidr|cidr|('10.0.' || n % 256 || '.0/24')"
    "c_macaddr|macaddr|('08:00:2b:01:02:' || lpad(to_hex(n % 256), 2, '0'))" 'c_oid|oid|n' "c_date|date|date '2026-01-01' + n"
    "c_time|time|time '00:00' + n * interval '1 second'" "c_timetz|timetz|timetz '00:00+02' + n * interval '1 second'"
    "c_timestamp|timestamp|timestamp '2026-01-01' + n * interval '1 minute'"
    "c_timestamptz|timestamptz|timestamptz '2026-01-01Z' + n * interval '1 minute'" "c_interval|interval|n * interval '1 hour'"
    "c_mood|mood|(enum_range(null::mood))[1 + n % 3]" 'c_percent|percent|n % 100' "c_pair|pair|row(n, 'x' || n)" 'c_ints|int[]|array[n, n + 1]'
    "c_texts|text[]|array['a', 'b ' || n]" 'c_range|int4range|int4range(n, n + 5)' 'c_point|point|point(n, n)' "c_xml|xml|('<a>' || n || '</a>')")
names=() defined='' values=''
for column in "${columns[@]}"; do
    IFS='|' read -r name type value <<<"$column"
    names+=("$name")
    defined+=", $name $type"
    values+=", ($value)::$type"
done
count=${#names[@]}
schema="create type mood as enum ('sad', 'ok', 'happy'); create domain percent as numeric(5, 2); create type pair as (a int, b text);
    create table kinds (id int primary key$defined); create table plain (company varchar(4), code numeric(8, 2), name text, primary key (company, code));
    create table texts (name text primary key, v int)"
dw_sql erp "$schema; insert into kinds select n$values from generate_series(1, 3000) n; insert into kinds (id) select n from generate_series(4001, 4200) n;
    insert into plain select 'c' || n % 3, n + 0.50, 'n' || n from generate_series(1, 2500) n; insert into texts select 'key ' || n, n from generate_series(1, 1500) n"
dw_sql crm "${schema/name text primary key/name text collate \"und-x-icu\" primary key}"
dw_start reconciler
copy_map kinds public.kinds id "${names[@]}" >"$dw_dir/kinds.json"
copy_map plain public.plain company,code name >"$dw_dir/plain.json"
copy_map texts public.texts name v >"$dw_dir/texts.json"
dw_cli map apply "$dw_dir/kinds.json" "$dw_dir/plain.json" "$dw_dir/texts.json" >/dev/null
dw_start producer
dw_start consumer
dw_cli map start kinds plain texts --wait >/dev/null

found() { # RUN: kind, key and columns of what it found, sorted
    dw_sql state "select kind || ' ' || key || coalesce((select string_agg(' ' || (c->>'column'), '' order by c->>'column') from json_array_elements(columns) c), '')
        from dualwrite.reconcile_difference where run = $1" | LC_ALL=C sort
}
compare() { # MAP [OPTION…]: sets run and code
    local map=$1
    shift
    code=0
    dw_cli reconcile run "$map" --wait 60 "$@" >"$dw_dir/out" 2>&1 || code=$?
    run=$(dw_sql state "select max(id) from dualwrite.reconcile_run")
    assert_sql state "select state || ' ' || unjudged || ' ' || beyond from dualwrite.reconcile_run where id = $run" 'done 0 0' 'the run'
}
check() { # MAP EXPECTED_FILE: both ways find exactly that
    local way
    for way in hash rows; do
        [[ $1 != texts || $way == rows ]] || continue # sorted otherwise there
        compare "$1" --way "$way"
        found "$run" >"$dw_dir/found"
        diff "$2" "$dw_dir/found" >"$dw_dir/found.diff" || { head -n 20 "$dw_dir/found.diff" >&2; fail "$1 by $way: something else is found"; }
        if [[ -s $2 ]]; then assert_eq "$code" 1 'exit code with differences'; else assert_eq "$code" 0 'exit code without'; fi
    done
}

step "nothing differs"
: >"$dw_dir/none"
for map in kinds plain texts; do check "$map" "$dw_dir/none"; done
assert_sql state "select string_agg(map || ' ' || way, ', ' order by id) from dualwrite.reconcile_run" \
    'kinds hash, kinds rows, plain hash, plain rows, texts rows' 'the ways'
compare texts
assert_sql state "select way || ': ' || way_reason from dualwrite.reconcile_run where id = $run" 'rows: the databases sort the keys differently'
compare kinds
assert_sql state "select rows_source || ' ' || rows_target from dualwrite.reconcile_run where id = $run" '3200 3200' 'rows compared'

step "a column of every type"
for ((i = 0; i < count; i++)); do
    printf "update kinds set %s = (select %s from kinds where id = %s) where id = %s;\n" "${names[i]}" "${names[i]}" $((i + 2)) $((i + 1))
    printf "update kinds set %s = null where id = %s;\n" "${names[i]}" $((i + 101))
    printf "update kinds set %s = (select %s from kinds where id = 3000) where id = %s;\n" "${names[i]}" "${names[i]}" $((i + 4101))
    printf 'different ["%s"] %s\n' $((i + 1)) "${names[i]}" >>"$dw_dir/damage"
    printf 'different ["%s"] %s\n' $((i + 101)) "${names[i]}" >>"$dw_dir/damage"
    printf 'different ["%s"] %s\n' $((i + 4101)) "${names[i]}" >>"$dw_dir/damage"
done >"$dw_dir/damage.sql"
dw_sql crm "create table old as select * from kinds"
sed 's/from kinds where/from old where/' "$dw_dir/damage.sql" | dw_sql crm

# PostgreSQL's own hash of a bigint is the same when its halves change places.
dw_sql crm "update kinds set c_bigint = ((c_bigint & 4294967295) << 32) | (c_bigint >> 32) where id = 2050"
printf 'different ["2050"] c_bigint\n' >>"$dw_dir/damage"

step "rows gone, added, of another key"
dw_sql crm "delete from kinds where id in (500, 2999, 4001); insert into kinds (id) values (-3), (3500), (9999999); update kinds set id = 3700 where id = 700"
printf '%s\n' 'missing ["500"]' 'missing ["2999"]' 'missing ["4001"]' 'missing ["700"]' 'extra ["-3"]' 'extra ["3500"]' 'extra ["9999999"]' 'extra ["3700"]' >>"$dw_dir/damage"
LC_ALL=C sort "$dw_dir/damage" >"$dw_dir/expected"
check kinds "$dw_dir/expected"
dw_sql crm "delete from plain where code = 1000.5; insert into plain values ('c0', 9999, 'x'), ('zz', 1.5, 'y'); update plain set name = null where code = 7.50"
printf '%s\n' 'different ["c1","7.50"] name' 'extra ["c0","9999.00"]' 'extra ["zz","1.50"]' 'missing ["c1","1000.50"]' >"$dw_dir/expected.plain"
check plain "$dw_dir/expected.plain"
dw_sql crm "delete from texts where v = 700; insert into texts values ('key x', 1), ('', 2); update texts set v = -v where v in (1, 1500)"
printf '%s\n' 'different ["key 1"] v' 'different ["key 1500"] v' 'extra [""]' 'extra ["key x"]' 'missing ["key 700"]' >"$dw_dir/expected.texts"
check texts "$dw_dir/expected.texts"

step "both values, filter, sample"
compare plain
dw_cli reconcile differences "$run" --kind different --json >"$dw_dir/out"
assert_eq "$(jq -c '.differences[] | [.key, .target_key, .columns]' "$dw_dir/out")" \
    '[["c1","7.50"],["c1","7.50"],[{"column":"name","source":"n7","target":null}]]' 'a difference'
dw_cli reconcile differences "$run" >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'missing +\["c1","1000.50"\]'
compare plain --filter "company eq 'c0'"
assert_eq "$(found "$run")" 'extra ["c0","9999.00"]' 'what the filter lets through'
! dw_cli reconcile run plain --filter 'code div 0 eq 1' --wait >"$dw_dir/out" 2>&1 || fail 'a filter that can fail is taken'
assert_match "$(<"$dw_dir/out")" 'DW-COMPARE-003'
runs=$(dw_sql state "select count(*) from dualwrite.reconcile_run")
for filter in 'nothing eq 1' 'code gt' 'code add 1'; do
    ! dw_cli reconcile run plain --filter "$filter" >"$dw_dir/out" 2>&1 || fail "the filter $filter is taken"
    assert_match "$(<"$dw_dir/out")" 'DW-EXPR-[0-9]+'
done
assert_sql state "select count(*) from dualwrite.reconcile_run" "$runs" 'runs with filters that do not fit'
compare plain --sample 50
assert_sql state "select rows_source between 500 and 2499 from dualwrite.reconcile_run where id = $run" t 'a sample is a part'
compare plain --sample 1
assert_sql state "select rows_source > 0 from dualwrite.reconcile_run where id = $run" t 'a small sample is not nothing'
compare plain --sample 1 --way rows
assert_sql state "select rows_source > 0 from dualwrite.reconcile_run where id = $run" t 'a small sample of rows is not nothing'

step "what changed since"
before=$run
dw_sql erp "update plain set name = 'changed ' || code where code between 100 and 199; delete from plain where code = 300.50"
wait_caught_up plain
dw_sql crm "update plain set name = 'vandalised' where code = 150.50; delete from plain where code in (160.50, 500.50);
    insert into plain values ('c0', 300.50, 'back')"
compare plain --since "$before"
assert_eq "$(found "$run")" $'different ["c0","150.50"] name\nextra ["c0","300.50"]\nmissing ["c1","160.50"]' 'damage of rows that changed'
assert_sql state "select way from dualwrite.reconcile_run where id = $run" changes 'its way'
dw_cli reconcile repair "$run" --delete-extra --limit 1 --yes --wait >/dev/null || fail 'not repaired'
compare plain --since 1h
assert_eq "$(found "$run")" $'different ["c1","7.50"] name\nmissing ["c1","1000.50"]\nmissing ["c2","500.50"]' 'all that the topic names: no row that it never knew'
compare plain --since 1s
assert_eq "$(found "$run")" '' 'nothing changed within a second'
sleep 3 # alerts are looked for every two seconds
dw_cli alert list >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" 'differences +plain +.* left 4 differences' 'some rows being equal is not the end of an alert'
! dw_cli reconcile run plain --since 1h --sample 10 >"$dw_dir/out" 2>&1 || fail '--since with --sample is taken'
assert_match "$(<"$dw_dir/out")" 'compared as a whole'
! dw_cli reconcile run plain --since 99999 >"$dw_dir/out" 2>&1 || fail 'an unknown run is taken'
assert_match "$(<"$dw_dir/out")" 'DW-STATE-021'

step repair
compare kinds
dw_cli reconcile repair "$run" --dry-run >"$dw_dir/out"
assert_match "$(<"$dw_dir/out")" "^$((count * 3 + 5)) rows would be read again"
assert_sql state "select repair_state from dualwrite.reconcile_run where id = $run" none 'a dry run'
! dw_cli reconcile repair "$run" --delete-extra --limit 3 --yes >"$dw_dir/out" 2>&1 || fail 'more is deleted than allowed'
assert_match "$(<"$dw_dir/out")" 'DW-STATE-025'
! dw_cli reconcile repair "$run" --delete-extra --limit 4 >"$dw_dir/out" 2>&1 || fail 'deleted without --yes'
dw_cli reconcile repair "$run" --wait >"$dw_dir/out" 2>&1 && fail 'extra rows are left: not clean'
assert_sql state "select string_agg(n::text, ' ') from (select count(*) as n from dualwrite.reconcile_difference where run = $run group by repair order by repair) s" "$((count * 3 + 5)) 4"
dw_cli reconcile repair "$run" --delete-extra --limit 4 --yes --wait >"$dw_dir/out" 2>&1 || fail "not repaired: $(<"$dw_dir/out")"
check kinds "$dw_dir/none"
assert_same "select * from kinds"
assert_sql state "select string_agg(action || ' ' || (detail->>'delete_extra'), ', ' order by id) from dualwrite.audit_log where action = 'reconcile.repair' and object = 'kinds'" \
    'reconcile.repair 0, reconcile.repair 4' 'the audit log'
for map in plain texts; do
    compare "$map"
    dw_cli reconcile repair "$run" --delete-extra --limit 10 --yes --wait >/dev/null
    check "$map" "$dw_dir/none"
    assert_same_tables "$map"
done
assert_sql crm 'select count(*) from dualwrite.verdict' 0 'answers that are left'
assert_sql state "select (select count(*) from dualwrite.reconcile_suspect) + (select count(*) from dualwrite.sync where kind = 'verify')" 0 'suspects that are left'
assert_counts_balance

step "mistakes"
refused() { # PATTERN WORDS…: the command fails with that
    local pattern=$1
    shift
    ! dw_cli reconcile "$@" >"$dw_dir/out" 2>&1 || fail "reconcile $* passes"
    assert_match "$(<"$dw_dir/out")" "$pattern"
}
refused DW-STATE-004 run nowhere
refused DW-STATE-021 show 999
refused DW-STATE-021 repair 999
refused DW-STATE-022 cancel "$run"
refused DW-COMPARE-004 run texts --way hash --wait
refused 'go together' repair "$run" --delete-extra
jq '.version = "2.0.0" | .columns |= map(select(.target != "c_xml"))' "$dw_dir/kinds.json" >"$dw_dir/kinds2.json"
run=$(dw_sql state "select max(id) from dualwrite.reconcile_run where map = 'kinds'")
dw_cli map apply "$dw_dir/kinds2.json" >/dev/null
refused DW-STATE-024 repair "$run"
dw_cli map stop kinds >/dev/null
refused DW-STATE-020 run kinds
