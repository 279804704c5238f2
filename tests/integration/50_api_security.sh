#!/usr/bin/env bash
# Who may ask the operator API for what: TLS, tokens with roles, limits; a POST that is sent again is done once.
. "$(dirname "$0")/../support/lib.sh"
dw_up
# A certificate for 127.0.0.1 of our own authority, and one of nobody.
openssl_quietly() { openssl "$@" >>"$dw_dir/openssl.out" 2>&1 || fail "openssl $1"; }
openssl_quietly req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test-authority \
    -keyout "$dw_dir/ca.key" -out "$dw_dir/ca.pem"
openssl_quietly req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=reconciler \
    -keyout "$dw_dir/server.key" -out "$dw_dir/server.csr"
printf 'subjectAltName=IP:127.0.0.1\n' >"$dw_dir/server.ext"
openssl_quietly x509 -req -in "$dw_dir/server.csr" -CA "$dw_dir/ca.pem" -CAkey "$dw_dir/ca.key" -CAcreateserial -days 2 \
    -extfile "$dw_dir/server.ext" -out "$dw_dir/server.pem"
for name in watch run; do printf '%s-%s\n' "$name" "$RANDOM$RANDOM" >"$dw_dir/$name.token"; done
dw_config '.tokens = { board: { role: "viewer", token_file: "watch.token" }, night: { role: "operator", token_file: "run.token" } }'
dw_sql erp "create table item (id int primary key, v int not null default 1)"
dw_sql crm "create table item (id int primary key, v int not null default 1)"

step "beyond loopback only with TLS"
refused() { # CODE VAR=VALUE…: a reconciler with these settings ends, and says why
    local code=$1
    shift
    dw_start reconciler refused "$@"
    exit_code_of refused
    assert_eq "$dw_code" 2 "exit code after $code"
    assert_match "$(tail -n 5 "$dw_dir/refused.log")" "\"$code\""
}
port=$(dw_free_port)
refused DW-API-005 DW_RECONCILER_LISTEN=0.0.0.0:$port
refused DW-API-006 DW_RECONCILER_TLS_KEY_FILE="$dw_dir/server.key"
refused DW-API-006 DW_RECONCILER_TLS_KEY_FILE="$dw_dir/ca.key" DW_RECONCILER_TLS_CERTIFICATE_FILE="$dw_dir/server.pem"
dw_start reconciler plain DW_RECONCILER_LISTEN=0.0.0.0:$port DW_RECONCILER_ALLOW_PLAIN=true
dw_ports[plain]=$port
wait_until 15 is_ready plain
dw_stop plain

step "TLS"
jq '.reconciler += { tls_certificate_file: "server.pem", tls_key_file: "server.key", tls_ca_file: "ca.pem" }' \
    "$dw_dir/dualwrite.json" >"$dw_dir/dualwrite.json.new" && mv "$dw_dir/dualwrite.json.new" "$dw_dir/dualwrite.json"
dw_start reconciler tls
url=https://127.0.0.1:${dw_ports[tls]}
secure() { # PATH ARGUMENT…: body, then status on a line of its own
    local path=$1
    shift
    curl -sS --noproxy '*' --cacert "$dw_dir/ca.pem" -w '\n%{http_code}' "$@" "$url$path"
}
answers() { [[ $(secure /readyz 2>/dev/null | tail -n 1) == 200 ]]; }
wait_until 15 answers
export DW_RECONCILER_URL=$url
dw_cli status >/dev/null || fail 'the command with the authority'
! DW_RECONCILER_TLS_CA_FILE="$dw_dir/server.csr" dw_cli status >"$dw_dir/out" 2>&1 || fail 'the command trusts anybody'
assert_match "$(<"$dw_dir/out")" 'certificate|SSL|CA'
! curl -sS --noproxy '*' "$url/readyz" >"$dw_dir/out" 2>&1 || fail 'curl trusts it without its authority'

step roles
as() { # FILE PATH ARGUMENT…: the status
    local file=$1
    shift
    secure "$@" -H "Authorization: Bearer $(<"$dw_dir/$file")" | tail -n 1
}
map='{"document":{"map":"items","version":"1","source":{"system":"erp","table":"public.item","key":["id"]},"target":{"system":"crm","table":"public.item","key":["id"]},"columns":[{"source":"id","target":"id"},{"source":"v","target":"v"}]}}'
assert_eq "$(as watch.token /api/v1/status)" 200 'a viewer looks'
assert_eq "$(as watch.token '/api/v1/maps/items?dry_run=true' -X PUT -d "$map")" 200 'a viewer tries'
assert_eq "$(as watch.token /api/v1/maps/items -X PUT -d "$map")" 403 'a viewer changes nothing'
assert_eq "$(as run.token /api/v1/maps/items -X PUT -d "$map")" 403 'an operator changes no map'
assert_eq "$(as token /api/v1/maps/items -X PUT -d "$map")" 200 'an admin does'
assert_eq "$(as watch.token /api/v1/maps/items/start -X POST)" 403 'a viewer starts nothing'
assert_eq "$(as run.token /api/v1/maps/items/start -X POST -H 'X-Dualwrite-User: kim@desk')" 200 'an operator does'
assert_sql state "select by from dualwrite.audit_log where action = 'map.start'" 'night: kim@desk' 'the audit log names the token'
code=0
DW_RECONCILER_TOKEN_FILE=$dw_dir/watch.token dw_cli map pause items >"$dw_dir/out" 2>&1 || code=$?
assert_eq "$code" 4 'exit code of a role that does not suffice'
assert_match "$(<"$dw_dir/out")" 'board.*viewer.*operator'

step "a POST that is sent again is done once"
post() { secure "$1" -X POST -H "Authorization: Bearer $(<"$dw_dir/run.token")" -H "Idempotency-Key: $2" "${@:3}" | tr -s '\n' ' '; }
first=$(post /api/v1/maps/items/pause key-1 -d '{"reason":"once"}')
assert_match "$first" '"changed":true'
dw_cli map resume items >/dev/null
assert_eq "$(post /api/v1/maps/items/pause key-1 -d '{"reason":"once"}')" "$first" 'the same answer'
assert_sql state "select state <> 'paused' from dualwrite.map" t 'nothing was done twice'
assert_match "$(post /api/v1/maps/items/pause key-1 -d '{"reason":"other"}')" 'DW-API-029.*422$' 'another body'
assert_match "$(post /api/v1/maps/items/stop key-1)" 'DW-API-029.*422$' 'another path'
assert_match "$(post /api/v1/maps/none/pause key-2)" '404$'
assert_sql state "select count(*) from dualwrite.request where key = 'key-2'" 0 'what was refused is judged anew'
assert_match "$(post /api/v1/maps/items/pause 'a b')" '400$' 'a malformed key'
assert_eq "$(secure /api/v1/maps/items/pause -X POST -H "Authorization: Bearer $(<"$dw_dir/token")" -H 'Idempotency-Key: key-1' | tail -n 1)" 200 "another token's key is another"
dw_cli map resume items >/dev/null

step "one that is under way, and one that was cut off"
dw_session lock state
dw_say lock "begin" >/dev/null
dw_say lock "select from dualwrite.map where name = 'items' for update" >/dev/null
post /api/v1/maps/items/pause key-3 >"$dw_dir/slow.out" 2>&1 &
slow=$!
claimed() { [[ $(dw_sql state "select count(*) from dualwrite.request where key = 'key-3'") == 1 ]]; }
wait_until 10 claimed
assert_match "$(post /api/v1/maps/items/pause key-3)" 'DW-API-030.*409$' 'while it is under way'
dw_kill tls
wait "$slow" || true
dw_hush lock
dw_start reconciler tls
wait_until 15 answers
unlocked() { [[ $(post /api/v1/maps/items/pause key-3) == *DW-API-031* ]]; }
wait_until 15 unlocked
assert_sql state "select state <> 'paused' from dualwrite.map" t 'nothing was done by it'
dw_sql state "update dualwrite.request set at = at - interval '25 hours'"
assert_match "$(post /api/v1/maps/items/pause key-3)" '200$' 'after a day the key is free'

step "what cannot be: the status that fits, a word that helps, and nothing is changed"
wrong() { # STATUS PATTERN PATH ARGUMENT…
    local status=$1 pattern=$2
    shift 2
    secure "$@" -H "Authorization: Bearer $(<"$dw_dir/token")" >"$dw_dir/out"
    assert_eq "$(tail -n 1 "$dw_dir/out")" "$status" "status of $*"
    assert_match "$(<"$dw_dir/out")" "$pattern"
}
footprint="select (select count(*) from dualwrite.audit_log) || ' ' || (select count(*) from dualwrite.letter_job) || ' ' || (select count(*) from dualwrite.alert_silence)"
before=$(dw_sql state "$footprint")
runs=/api/v1/reconcile/runs
wrong 422 'DW-EXPR-001.*position 6' $runs -d '{"maps":["items"],"filter":"id eq"}'
wrong 422 'DW-EXPR-002.*no column nope' /api/v1/syncs -d '{"maps":["items"],"filter":"nope eq 1"}'
wrong 422 'DW-SYNC-003' /api/v1/syncs -d '{"maps":["items"],"keys":[{"nope":1}]}'
wrong 404 'no comparison 99' $runs/99/repair -X POST
for type in text/plain 'application/xml; charset=utf-8' applicationjson; do
    wrong 415 'DW-API-032.*application/json' $runs -H "Content-Type: $type" -d '{"maps":["items"]}'
done
wrong 404 'no map none' $runs -H 'Content-Type: Application/JSON; charset=utf-8' -d '{"maps":["none"]}'
wrong 404 'no map none' $runs -H 'Content-Type:' -d '{"maps":["none"]}'
wrong 422 'there is no alert lagg; there are: .*lag' /api/v1/silences -d '{"rule":"lagg","seconds":60}'
wrong 422 'DW-API-034.*2099-01-01 is yet to come' '/api/v1/digest?date=2099-01-01'
wrong 400 'date is a day such as' '/api/v1/digest?date=tomorrow'
wrong 404 'no dead letter 98' /api/v1/dead-letters/replay -d '{"ids":[99,98]}'
wrong 200 '"job":null,"action":"replay","state":"done","total":0' /api/v1/dead-letters/replay -d '{"all":true}'
wrong 200 '"job":null,"action":"discard"' /api/v1/dead-letters/discard -d '{"map":"items"}'
assert_eq "$(dw_cli dead-letter replay --all --wait)" 'no dead letter matches: there is nothing to replay'
assert_eq "$(dw_cli dead-letter discard --all --dry-run)" 'no dead letter matches: there is nothing to discard'
dw_cli dead-letter replay --all --wait --json | jq -e '.job == null and .total == 0' >/dev/null || fail 'the answer of nothing, as JSON'
assert_eq "$(dw_sql state "$footprint")" "$before" 'audit log, jobs and silences of what could not be'
assert_match "$(secure /api/v1/maps)" 'a bearer token is needed.*'
assert_match "$(secure /api/v1/maps -H 'Authorization: Bearer guess')" 'that was sent is none of those'
head -c 9000000 /dev/zero | tr '\0' ' ' >"$dw_dir/body"
told=$(secure $runs -H "Authorization: Bearer $(<"$dw_dir/token")" -H 'Expect: 100-continue' --data-binary "@$dw_dir/body" -o /dev/null -w '%{http_code} %{size_upload}')
assert_eq "$told" '413 0' 'who asks first is told before a body that is too large'
wrong 413 'DW-API-019' $runs -H 'Expect:' --data-binary "@$dw_dir/body"
wrong 413 'DW-API-019' $runs -H 'Expect:' -H 'Transfer-Encoding: chunked' --data-binary "@$dw_dir/body"

step limits
dw_stop tls
dw_start reconciler tls DW_RECONCILER_REQUESTS_PER_SECOND=1 DW_RECONCILER_BODY_MAX_BYTES=2000
wait_until 15 answers
head -c 2001 /dev/zero | tr '\0' ' ' >"$dw_dir/body"
assert_eq "$(as run.token /api/v1/start -X POST --data-binary "@$dw_dir/body")" 413 'a body over the limit'
for _ in $(seq 12); do printf '%s\n' "$(as watch.token /api/v1/maps)"; done | sort -u >"$dw_dir/out"
assert_eq "$(tr '\n' ' ' <"$dw_dir/out")" '200 429 ' 'the first are answered, the others told to wait'
told_to_wait() {
    secure /api/v1/maps -D "$dw_dir/head" -H "Authorization: Bearer $(<"$dw_dir/watch.token")" >"$dw_dir/refusal"
    grep -qi '^retry-after: [1-9]' "$dw_dir/head"
}
wait_until 10 told_to_wait
assert_match "$(<"$dw_dir/refusal")" 'DW-API-028.*board'
assert_eq "$(as token /api/v1/maps)" 200 'another token is not held up'
guess() { secure /api/v1/maps -H 'Authorization: Bearer guess' | tail -n 1; }
for _ in $(seq 40); do printf '%s\n' "$(guess)"; done | sort -u >"$dw_dir/out"
assert_eq "$(tr '\n' ' ' <"$dw_dir/out")" '401 429 ' 'one who guesses is slowed down'
for _ in 1 2 3 4; do dw_cli map list >/dev/null || fail 'the command does not wait'; done
