#!/usr/bin/env bash
# The operator API: token, routes, limits; a second reconciler waits and takes over.
. "$(dirname "$0")/../support/lib.sh"
dw_up
dw_config
schema="create table item (id int primary key, v int not null default 1)"
dw_sql erp "$schema"
dw_sql crm "$schema"
step "migrations run one at a time"
dw_session lock state
dw_say lock "select pg_advisory_lock(25719, 1)" >/dev/null
dw_start reconciler
dw_start reconciler second
waiters() { (($(dw_sql state "select count(*) from pg_locks where locktype = 'advisory' and classid = 25719 and objid = 1 and not granted") >= 2)); }
wait_until 15 waiters
assert_sql state "select to_regclass('dualwrite.migration') is null" t 'nothing is made without the lock'
dw_hush lock
ready_one() { is_ready reconciler || is_ready second; }
wait_until 30 ready_one
wait_until 30 sql_is state "select count(*) from dualwrite.migration" "$(find "$dw_root/common/state/migrations" -name '*.sql' | wc -l)"
dw_stop second
wait_until 30 is_ready reconciler

step "a state database of another program is refused by name"
dw_stop reconciler
dw_sql state "insert into dualwrite.migration (number, name, checksum) select max(number) + 1, 'future', 'x' from dualwrite.migration"
refused() { # CODE: a reconciler that starts now ends with this code
    dw_start reconciler refused
    exit_code_of refused
    assert_eq "$dw_code" 2 "exit code after $1"
    assert_match "$(tail -n 5 "$dw_dir/refused.log")" "\"$1\""
}
refused DW-STATE-001
dw_sql state "delete from dualwrite.migration where name = 'future'; update dualwrite.migration set checksum = 'x' || checksum where number = 1"
refused DW-STATE-002
dw_sql state "update dualwrite.migration set checksum = substr(checksum, 2) where number = 1"
dw_start reconciler
wait_until 15 is_ready reconciler
status_of() { dw_http reconciler "$@" | tail -n 1; }

step token
assert_eq "$(status_of /api/v1/status)" 401 'without a token'
assert_eq "$(status_of /api/v1/status -H 'Authorization: Bearer wrong')" 401 'with a wrong token'
assert_eq "$(status_of /api/v1/status -H "Authorization: Bearer $(<"$dw_dir/token")x")" 401 'with a longer token'
assert_eq "$(status_of /api/v1/status -H "Authorization: Basic $(<"$dw_dir/token")")" 401 'with another scheme'
assert_eq "$(dw_api /api/v1/status | tail -n 1)" 200 'with the token'
for path in /healthz /readyz /metrics; do assert_eq "$(status_of $path)" 200 "$path needs no token"; done

step "routes and mistakes"
assert_eq "$(dw_api /api/v1/maps | tail -n 1)" 200
assert_eq "$(dw_api /api/v1/maps/none | tail -n 1)" 404
assert_eq "$(dw_api /api/v1/nothing | tail -n 1)" 404
assert_eq "$(dw_api /api/v1/status -X DELETE | tail -n 1)" 405
assert_eq "$(dw_api /api/v1/maps/none/start -X POST | tail -n 1)" 404
assert_eq "$(dw_api /api/v1/dead-letters | tail -n 1)" 200
assert_eq "$(dw_api /api/v1/dead-letters/1 | tail -n 1)" 404
assert_eq "$(dw_api /api/v1/dead-letters/x | tail -n 1)" 400
assert_eq "$(dw_api '/api/v1/dead-letters?limit=-1' | tail -n 1)" 400
for body in '' 'x' '{' '{"document":7}' '{"document":{"map":"x"}}' "$(printf '{"document":"\xff"}')"; do
    assert_match "$(dw_api /api/v1/maps/x -X PUT -H 'Content-Type: application/json' --data-binary "$body" | tail -n 1)" '^4(00|22)$' "PUT of $body"
done
head -c 20000000 /dev/zero | tr '\0' ' ' >"$dw_dir/huge"
assert_match "$(dw_api /api/v1/maps/x -X PUT --data-binary "@$dw_dir/huge" 2>/dev/null | tail -n 1)" '^(413|000)$'
assert_eq "$(dw_api /api/v1/status | tail -n 1)" 200 'after all that'
dw_api /api/v1/status | head -n 1 | jq -e . >/dev/null || fail 'the status is not JSON'

step "what requests that are no HTTP get"
for garbage in $'\x16\x03\x01\x02' 'GET' $'GET / HTTP/9.9\r\n\r\n' $'GET /'"$(head -c 100000 /dev/zero | tr '\0' a)"$' HTTP/1.1\r\n\r\n'; do
    (exec 3<>"/dev/tcp/127.0.0.1/${dw_ports[reconciler]}" && printf '%s' "$garbage" >&3) 2>/dev/null || true
done
assert_eq "$(dw_api /api/v1/status | tail -n 1)" 200 'after garbage'

step "the command: its errors and exit codes"
! DW_RECONCILER_URL=http://127.0.0.1:1 dw_cli status >"$dw_dir/out" 2>&1 || fail 'status without a server succeeds'
assert_match "$(<"$dw_dir/out")" '127.0.0.1:1'
printf 'wrong\n' >"$dw_dir/wrong"
jq '.reconciler.token_file = "wrong"' "$dw_dir/dualwrite.json" >"$dw_dir/wrong.json"
! dw_cli --config "$dw_dir/wrong.json" status >"$dw_dir/out" 2>&1 || fail 'status with a wrong token succeeds'
assert_match "$(<"$dw_dir/out")" '[Tt]oken|401|unauthori'
! dw_cli nonsense >"$dw_dir/out" 2>&1 || fail 'an unknown command succeeds'
dw_cli --help >"$dw_dir/out" || fail '--help'
assert_match "$(<"$dw_dir/out")" 'dead-letter'
dw_cli status | grep -q $'\e' && fail 'colours without a terminal'

step "the command: errors as JSON, their codes and remedies"
code=0
DW_RECONCILER_URL=http://127.0.0.1:1 dw_cli status --json >"$dw_dir/out" 2>"$dw_dir/err" || code=$?
assert_eq "$code" 3 'exit code without a server'
jq -e '.error | .code == "DW-API-020" and (.message | test("127.0.0.1:1")) and (.remedy | length > 0)' "$dw_dir/err" >/dev/null || fail "no JSON: $(<"$dw_dir/err")"
code=0
dw_cli --config "$dw_dir/wrong.json" status --json >"$dw_dir/out" 2>"$dw_dir/err" || code=$?
assert_eq "$code" 4 'exit code with a wrong token'
jq -e '.error.code == "DW-API-021"' "$dw_dir/err" >/dev/null || fail "no JSON: $(<"$dw_dir/err")"
jq 'del(.reconciler.token_file)' "$dw_dir/dualwrite.json" >"$dw_dir/tokenless.json"
code=0
dw_cli --config "$dw_dir/tokenless.json" status >"$dw_dir/out" 2>&1 || code=$?
assert_eq "$code" 4 'exit code without a token'
assert_match "$(<"$dw_dir/out")" 'none is set here'
code=0
dw_cli map start none --json >"$dw_dir/out" 2>"$dw_dir/err" || code=$?
assert_eq "$code" 1 'exit code of a refusal'
jq -e '.error.code == "DW-STATE-004"' "$dw_dir/err" >/dev/null || fail "no JSON: $(<"$dw_dir/err")"
code=0
dw_cli status --config "$dw_dir/gone.json" --json >"$dw_dir/out" 2>"$dw_dir/err" || code=$?
assert_eq "$code" 2 'exit code of settings that are not there'
jq -e '.error.code == "DW-CONFIG-001"' "$dw_dir/err" >/dev/null || fail "no JSON: $(<"$dw_dir/err")"
for words in 'status' 'map list' 'dead-letter list' 'config check' 'config reference' 'explain' 'explain dw-api-020'; do
    # shellcheck disable=SC2086 # two words
    dw_cli $words --json | jq -e . >/dev/null || fail "$words --json"
done

step "a second reconciler waits, and takes over"
dw_start reconciler second
sleep 1
assert_eq "$(dw_http second /readyz | tail -n 1)" 503 'the second is not ready'
assert_eq "$(dw_http second /api/v1/status -H "Authorization: Bearer $(<"$dw_dir/token")" | tail -n 1)" 503 'the second answers no requests'
dw_kill reconciler
wait_until 15 is_ready second
DW_RECONCILER_URL=http://127.0.0.1:${dw_ports[second]} dw_cli status >/dev/null || fail 'status of the second'

step "one that is frozen loses its place, and waits when it wakes"
dw_start reconciler third
is_standby() { [[ $(dw_http "$1" /readyz 2>/dev/null) == *standby*503 ]]; }
wait_until 15 is_standby third
dw_freeze second
wait_until 60 is_ready third
dw_continue second
wait_until 15 is_standby second
is_ready third || fail 'the third lost its place'
