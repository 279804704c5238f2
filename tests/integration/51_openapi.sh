#!/usr/bin/env bash
# The operator API answers as its OpenAPI document says: asked by schemathesis with what the document allows and with
# what it does not, it never fails (5xx) and gives no answer outside of the description.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config '.reconciler.requests_per_second = 0'
dw_sql erp "create table item (id int primary key, v int not null default 1); insert into item select n, n from generate_series(1, 30) n"
dw_sql crm "create table item (id int primary key, v int not null check (v <> 7))"
dw_start reconciler
dw_start producer
dw_start consumer
cat >"$dw_dir/items.json" <<'MAP'
{ "map": "items", "version": "1", "source": { "system": "erp", "table": "public.item", "key": ["id"] },
  "target": { "system": "crm", "table": "public.item", "key": ["id"] },
  "columns": [ { "source": "id", "target": "id" }, { "source": "v", "target": "v" } ] }
MAP
dw_cli map apply "$dw_dir/items.json" --start --wait >/dev/null
open_letter() { [[ $(dw_sql state "select count(*) from dualwrite.dead_letter") == 1 ]]; }
wait_until 30 open_letter

step "the document that is served is the one in the tree"
url=http://127.0.0.1:${dw_ports[reconciler]}
dw_api /api/v1/openapi.json -o "$dw_dir/openapi.json" >/dev/null
diff -q "$dw_dir/openapi.json" "$dw_root/reconciler/api/openapi.json" >/dev/null || fail 'another document'

step "schemathesis"
# Names and numbers that exist, so that more than "there is none" is asked for.
cat >"$dw_dir/schemathesis.toml" <<'TOML'
[parameters]
"path.map" = "items"
"path.id" = 1

# What the schema of a body cannot say is judged behind it: 422, of the map file or the Idempotency-Key, and 400 where
# members of the body have to go together.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 403, 404, 409, 422]

[[operations]]
include-path = "/api/v1/syncs"
include-method = "POST"
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 404, 409, 422]
TOML
ask() { # ARGUMENT…
    (cd "$dw_dir" && "$dw_root/tests/support/schemathesis" --config-file "$dw_dir/schemathesis.toml" run "$dw_dir/openapi.json" --url "$url" \
        -H "Authorization: Bearer $(<"$dw_dir/token")" --seed 1 --generation-deterministic \
        --no-color --request-timeout 30 "$@") >"$dw_dir/schemathesis.out" 2>&1 ||
        { grep -v '^ *$' "$dw_dir/schemathesis.out" | tail -n 150 >&2; fail 'an answer outside of the description'; }
}
ask --phases examples,coverage
# In a map file a zero byte is refused wherever it stands, which its schema here does not say.
ask --phases fuzzing --max-examples 8 --generation-allow-x00 false
assert_eq "$(dw_api /api/v1/status | tail -n 1)" 200 'after all that'
