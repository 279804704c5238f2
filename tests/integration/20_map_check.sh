#!/usr/bin/env bash
# map check finds every mistake that can be known, by a stable code, with file and place and remedy, and starts nothing.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_sql erp <<'SQL'
create type mood as enum ('a', 'b');
create table good (id int primary key, v int not null, name varchar(10), size numeric(6, 2), kind mood not null, note text, large text);
create table nokey (id int, v int);
create table nothing (id int primary key, v int); alter table nothing replica identity nothing;
create table part (id int, v int, primary key (id)) partition by range (id); create table part_1 partition of part for values from (0) to (10);
create view seen as select * from good; create unlogged table fleeting (id int primary key, v int);
create role reader login password 'reader' replication;
SQL
dw_sql crm <<'SQL'
create table good (id int primary key, v int not null, name varchar(10), size numeric(6, 2), kind text not null, note text, own text);
create table strict (id int primary key, v int not null, needed int not null);
create table nounique (id int, v int);
create table narrow (id smallint primary key, v smallint, name varchar(5), size numeric(4, 1), flag boolean, made int generated always as (1) stored);
create table parent (id int primary key); create table child (id int primary key, v int references parent);
create view seen as select * from good;
SQL
dw_config
dw_start reconciler
base='{ "map": "m", "version": "1.0.0", "source": { "system": "erp", "table": "public.good", "key": ["id"] }, "target": { "system": "crm", "table": "public.good", "key": ["id"] },
  "direction": "forward", "columns": [ { "source": "v", "target": "v" }, { "source": "kind", "target": "kind" } ] }'
checked=0
# expect CODE JQ_FILTER [PLACE]: a base map changed so is refused with that code. A code with a ? is a warning: the map passes.
expect() {
    local code=${1%\?} file=$dw_dir/m.json result=0
    jq "$2" <<<"$base" >"$file"
    dw_cli map check "$file" >"$dw_dir/check.out" 2>&1 || result=$?
    grep -q "$code" "$dw_dir/check.out" || { sed 's/^/# /' "$dw_dir/check.out" >&2; fail "$code was not found for: $2"; }
    [[ $1 == *\? || $result != 0 ]] || fail "map check ends with 0 in spite of $code"
    [[ $1 != *\? || $result == 0 ]] || { sed 's/^/# /' "$dw_dir/check.out" >&2; fail "map check refuses for the warning $code: $2"; }
    grep -q 'm.json' "$dw_dir/check.out" || fail "$code does not name the file"
    [[ ! ${3:-} ]] || grep -qF -- "$3" "$dw_dir/check.out" || { sed 's/^/# /' "$dw_dir/check.out" >&2; fail "$code does not name $3"; }
    checked=$((checked + 1))
}
step "a good map"
printf '%s\n' "$base" >"$dw_dir/m.json"
dw_cli map check "$dw_dir/m.json" >"$dw_dir/check.out" 2>&1 || { cat "$dw_dir/check.out" >&2; fail 'a good map is refused'; }

step "the file"
printf '{ "map": "m",\n "version": }' >"$dw_dir/m.json"
! dw_cli map check "$dw_dir/m.json" >"$dw_dir/check.out" 2>&1 || fail 'broken JSON passes'
assert_match "$(<"$dw_dir/check.out")" 'DW-MAP-001'
assert_match "$(<"$dw_dir/check.out")" 'm\.json:2'
expect DW-MAP-002 '.colums = []' colums
expect DW-MAP-002 '.columns[0].sorce = "v"' sorce
expect DW-MAP-003 '.columns = {}' columns
expect DW-MAP-004 'del(.target.key)' key
expect DW-MAP-005 '.map = "a b/c"'
expect DW-MAP-007 '.source.key = []'
expect DW-MAP-008 '.source.key = ["id", "v"]'
expect DW-MAP-009 '.columns += [{ source: "id", target: "v" }]'
expect DW-MAP-010 '.columns += [{ target: "note" }]'
expect DW-MAP-014 '.direction = "sideways"' sideways
expect DW-MAP-014 '.on_delete = "forget"' forget
expect DW-MAP-015 '.on_delete = { set: "own", to: "x", live: "x" }'
expect 'DW-MAP-017?' '.columns += [{ source: "note", target: "own", values: { a: "x", b: "x" } }]'

step "systems, tables, columns"
expect DW-MAP-020 '.source.system = "erq"' erq
expect DW-MAP-023 '.source.table = "public.goood"' goood
expect DW-MAP-023 '.target.table = "nowhere.good"' nowhere
expect DW-MAP-024 '.source.table = "public.seen"'
expect DW-MAP-024 '.source.table = "public.fleeting" | .columns = [{ source: "v", target: "v" }, { target: "kind", default: "x" }]'
expect DW-MAP-024 '.target.table = "public.seen"'
expect DW-MAP-025 '.source.table = "public.part_1" | .columns = [{ source: "v", target: "v" }, { target: "kind", default: "x" }]'
expect DW-MAP-026 '.columns[0].source = "w"' w
expect DW-MAP-026 '.columns[0].target = "w"' 'columns[0]'
expect DW-MAP-027 '.target.table = "public.narrow" | .columns = [{ source: "v", target: "made" }]'

step "types and values"
expect DW-MAP-028 '.target.table = "public.narrow" | .columns = [{ source: "kind", target: "flag" }]'
expect 'DW-MAP-029?' '.target.table = "public.narrow" | .columns = [{ source: "v", target: "v" }]'
expect 'DW-MAP-029?' '.target.table = "public.narrow" | .columns = [{ source: "name", target: "name" }]'
expect 'DW-MAP-029?' '.target.table = "public.narrow" | .columns = [{ source: "size", target: "size" }]'
expect DW-MAP-035 '.target.table = "public.strict" | .columns = [{ source: "v", target: "v" }]' needed
expect 'DW-MAP-036?' '.columns[1].source = "note"'
expect DW-MAP-037 '.columns += [{ target: "size", default: "wide" }]'
expect DW-MAP-037 '.columns += [{ target: "name", default: "longer than ten" }]'
expect 'DW-MAP-056?' '.columns[1].values = { a: "x" }'
expect DW-MAP-057 '.columns[1].values = { a: "x", b: "y", c: "z" }'

step "keys and replica identity"
expect DW-MAP-032 '.source.table = "public.nothing" | .columns = [{ source: "v", target: "v" }, { target: "kind", default: "x" }]'
expect DW-MAP-032 '.source.table = "public.nokey" | .columns = [{ source: "v", target: "v" }, { target: "kind", default: "x" }]'
expect DW-MAP-033 '.source.key = ["v"] | .columns = [{ source: "id", target: "v" }, { source: "kind", target: "kind" }]'
expect DW-MAP-034 '.target.table = "public.nounique" | .columns = [{ source: "v", target: "v" }]'
jq '.map = "n"' <<<"$base" >"$dw_dir/n.json"
printf '%s\n' "$base" >"$dw_dir/m.json"
! dw_cli map check "$dw_dir/m.json" "$dw_dir/n.json" >"$dw_dir/check.out" 2>&1 || fail 'two maps that delete in one table pass'
assert_match "$(<"$dw_dir/check.out")" 'DW-MAP-039'
cp "$dw_dir/m.json" "$dw_dir/again.json"
! dw_cli map check "$dw_dir/m.json" "$dw_dir/again.json" >"$dw_dir/check.out" 2>&1 || fail 'the same map twice passes'
assert_match "$(<"$dw_dir/check.out")" 'DW-MAP-019'
expect 'DW-MAP-052?' '.target.table = "public.child" | .columns = [{ source: "v", target: "v" }]'

step "privileges, publication, servers"
dw_sql crm "create role weak login password 'weak'; grant select on good to weak"
dw_stop reconciler
dw_config ".systems.crm.connection = \"$(dw_url crm weak)\"" ".systems.erp.connection = \"$(dw_url erp reader)\""
dw_start reconciler
expect DW-MAP-048 .
expect DW-MAP-049 .
expect DW-MAP-042 .
dw_sql erp "create publication dualwrite_erp for table nokey"
expect DW-MAP-043 .
dw_sql erp "alter publication dualwrite_erp set table good; alter publication dualwrite_erp set (publish = 'insert')"
expect DW-MAP-044 .
dw_sql erp "alter publication dualwrite_erp set (publish = 'insert, update, delete, truncate'); alter publication dualwrite_erp set table good (id, v)"
expect DW-MAP-045 .
dw_sql erp "alter publication dualwrite_erp set table good; alter role reader noreplication"
expect DW-MAP-041 .
dw_stop reconciler
dw_config ".systems.crm.connection = \"$(dw_url crm nobody)\"" '.systems.erp.connection = "host=127.0.0.1 port=1 dbname=erp"'
dw_start reconciler
expect DW-MAP-022 .
expect DW-MAP-021 .

step "--json, and nothing was started"
{ dw_cli map check "$dw_dir/m.json" --json 2>/dev/null || true; } | jq -e '[.. | objects | select(.code? == "DW-MAP-022")] | length > 0 and (.[0] | has("remedy"))' >/dev/null || fail 'map check --json'
assert_sql erp "select count(*) from pg_replication_slots" 0
assert_sql state "select count(*) from dualwrite.map" 0
printf '# %s mistakes\n' "$checked" >&2
