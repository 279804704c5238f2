#!/usr/bin/env bash
# Alerts are kept, and webhooks told of them: fired, worse, over; in groups; once each, whatever is killed or away.
. "$(dirname "$0")/../support/lib.sh"
dw_up
port=$(dw_free_port)
printf 'Bearer pager-secret-%s\n' "$RANDOM" >"$dw_dir/pager.auth"
dw_config '.alerts = { group_wait_ms: 1500, for_ms: 0, paused_warning_ms: 1, lag_warning_ms: 0, freshness_warning_ms: 0, dead_letters_critical: 2 }' \
    ".webhooks = { pager: { url: \"http://127.0.0.1:$port/alerts\", authorization_file: \"pager.auth\" },
                   board: { url: \"http://127.0.0.1:$port/plain\", format: \"plain\", level: \"critical\" } }"
for table in one two three; do
    dw_sql erp "create table $table (id int primary key, v int not null)"
    dw_sql crm "create table $table (id int primary key, v int not null check (v <> 7))"
done
got=$dw_dir/got.json
: >"$got"
receiver() { # start, stop
    if [[ $1 == start ]]; then
        "$dw_root/tests/support/webhook_receiver" "$port" "$got" >"$dw_dir/receiver.out" 2>&1 &
        dw_pids[receiver]=$!
        wait_until 15 listens
    else
        dw_kill receiver
    fi
}
listens() { curl -s -o /dev/null --noproxy '*' "http://127.0.0.1:$port/"; }
# taken JQ: how many messages of the pager the receiver has acknowledged that fulfil the filter
taken() { jq -s "[.[] | select(.status == 200) | .body | select(.receiver == \"pager\") | select($1)] | length" "$got"; }
taken_is() { [[ $(taken "$1") == "$2" ]]; }
alerts() { dw_cli alert list --json | jq -c "$1"; }
fires() { [[ $(alerts "[.alerts[] | select(.alert == \"$1\") | .object] | sort | join(\",\")") == "\"$2\"" ]]; }
is_over() { [[ $(dw_cli alert history --json | jq "[.alerts[] | select(.alert == \"$1\" and .object == \"$2\")] | length") == "${3:-1}" ]]; }

step "the test command"
dw_start reconciler
! dw_cli alert test >"$dw_dir/out" 2>&1 || fail 'a test without a receiver succeeds'
assert_match "$(<"$dw_dir/out")" 'pager: .*[Cc]ould.* connect'
receiver start
dw_cli alert test pager >"$dw_dir/out" || fail 'test'
assert_match "$(<"$dw_dir/out")" 'pager: took the test'
assert_eq "$(jq -s -r '[.[].body | .status + " " + .alerts[0].labels.alertname] | join(", ")' "$got")" 'firing test, resolved test'
assert_eq "$(jq -s -r '.[0].authorization' "$got")" "$(<"$dw_dir/pager.auth")" 'the secret is sent'
! dw_cli alert test nobody >"$dw_dir/out" 2>&1 || fail 'a test of nobody succeeds'
assert_match "$(<"$dw_dir/out")" 'there are: pager, board'

step "alerts of one rule are sent together"
dw_start producer
dw_start consumer
for table in one two three; do dw_map "$(copy_map $table public.$table id v)" >/dev/null; done
dw_cli map pause one two --reason 'month end' >/dev/null
wait_until 20 taken_is '.groupLabels.alertname == "paused"' 1
assert_eq "$(jq -s -c '[.[].body | select(.groupLabels.alertname == "paused") | .alerts[].labels.object]' "$got")" '["one","two"]' 'both in one message'
assert_match "$(jq -s -r '[.[].body | select(.groupLabels.alertname == "paused") | .alerts[0].annotations.summary][0]' "$got")" 'one: .*month end'
wait_until 10 fires paused one,two
assert_match "$(dw_cli alert list)" 'paused +one +warning'

step "over: told as well; the other goes on"
dw_cli map resume one >/dev/null
wait_until 20 taken_is '.groupLabels.alertname == "paused" and (.alerts | any(.status == "resolved" and .labels.object == "one"))' 1
assert_eq "$(jq -s -r '[.[].body | select(.groupLabels.alertname == "paused")][-1].status' "$got")" firing 'the group'
is_over paused one || fail 'no history'

step "the receiver is away: nothing is lost, nothing told twice"
receiver stop
dw_cli map pause three >/dev/null
undelivered() { [[ $(alerts '[.webhooks[] | select(.webhook == "pager") | .tries][0]') -ge 1 ]]; }
wait_until 20 undelivered
assert_match "$(dw_cli alert list)" 'webhook pager takes nothing since'
assert_match "$(dw_cli alert list --json)" '"error":"webhook pager: [^"]*connect'
assert_eq "$(grep -c "pager-secret\|127.0.0.1:$port" "$dw_dir/reconciler.log")" 0 'secrets in the log'
before=$(wc -l <"$got")
dw_kill reconciler
receiver start
printf 503 >"$got.refuse"
dw_start reconciler
refused() { (($(jq -s '[.[] | select(.status == 503)] | length' "$got") >= 2)); }
wait_until 30 refused
rm "$got.refuse"
wait_until 30 taken_is '.groupLabels.alertname == "paused" and (.alerts | any(.labels.object == "three"))' 1
assert_eq "$(sed "1,${before}d" "$got" | jq -s -c '[.[] | select(.status == 200) | .body.alerts[] | select(.status == "resolved")] | length')" 0 'what was over is not told again'

step "killed between acknowledgement and note: told again; restarted after it: not"
dw_stop reconciler
dw_start reconciler DW_FAULT=reconciler.alert_sent:kill
dw_cli map resume three >/dev/null
over_three='.groupLabels.alertname == "paused" and (.alerts | any(.status == "resolved" and .labels.object == "three"))'
wait_until 20 taken_is "$over_three" 1
wait_until 10 is_gone reconciler
dw_start reconciler
wait_until 20 taken_is "$over_three" 2
told() { [[ $(dw_sql state "select count(*) from dualwrite.alert a join dualwrite.alert_delivery d on d.alert = a.id and d.version = a.version where a.object = 'three' and a.rule = 'paused' and d.webhook = 'pager'") == 1 ]]; }
wait_until 10 told
count=$(wc -l <"$got")
dw_kill reconciler
dw_start reconciler
looked() { [[ $(dw_sql state "select count(*) from dualwrite.alert where resolved_at is null and seen_at > now() - interval '5 seconds'") -ge 1 ]]; }
wait_until 30 looked
assert_eq "$(wc -l <"$got")" "$count" 'messages after a restart'

step "a silence"
dw_cli alert silence dead_letters --for 1h --reason 'known' >"$dw_dir/out"
id=$(sed -n 's/^silence \([0-9]*\),.*/\1/p' "$dw_dir/out")
dw_sql erp "insert into one values (1, 7)"
wait_until 30 fires dead_letters one
assert_match "$(dw_cli alert list)" 'dead_letters +one +warning .*silenced'
dw_cli alert unsilence "$id" >/dev/null
! dw_cli alert unsilence "$id" >"$dw_dir/out" 2>&1 || fail 'ended twice'
wait_until 20 taken_is '.groupLabels.alertname == "dead_letters"' 1
assert_eq "$(dw_sql state "select string_agg(action, ',' order by id) from dualwrite.audit_log where action like 'alert.%'")" alert.silence,alert.unsilence

step "worse: told again; the board hears of what is critical alone, in plain words"
dw_sql erp "insert into one values (2, 7)"
wait_until 30 taken_is '.groupLabels.alertname == "dead_letters" and .commonLabels.severity == "critical"' 1
board() { jq -s -e '[.[].body | select(.webhook == "board") | .alerts[] | select(.alert == "dead_letters")] | length >= 1' "$got" >/dev/null; }
wait_until 20 board
assert_eq "$(jq -s -r '[.[].body | select(.webhook == "board") | .kind + " " + .alert + " " + .status + " " + (.alerts | map(.object + " " + .level) | join(" "))] | unique | join(", ")' "$got")" 'alerts dead_letters firing one critical'
assert_match "$(dw_metric reconciler 'dw_alert{alert="dead_letters",object="one"}')" '^2$'

step "better: the level is that of now, and told"
told_warning='.groupLabels.alertname == "dead_letters" and .commonLabels.severity == "warning"'
count=$(taken "$told_warning")
dw_cli dead-letter discard "$(dw_sql state "select max(id) from dualwrite.dead_letter where state = 'open'")" --yes --wait 20 >/dev/null
wait_until 30 taken_is "$told_warning" $((count + 1))
assert_match "$(dw_cli alert list)" 'dead_letters +one +warning'
grep -q '"event":"alert.better".*"alert":"dead_letters"' "$dw_dir/reconciler.log" || fail 'nothing in the log'

step "the board, which takes what is critical alone, hears that this is over; once"
board_hears() { # HOW_MANY: messages of the alert; the last one is in $dw_dir/board
    jq -s '[.[] | select(.status == 200) | .body | select(.webhook == "board" and .alert == "dead_letters")]' "$got" >"$dw_dir/board.all"
    jq -r '.[-1] | .status + " " + (.alerts | map(.object + " " + .level + " " + .status + " " + .message) | join(" "))' "$dw_dir/board.all" >"$dw_dir/board"
    [[ $(jq length "$dw_dir/board.all") == "$1" ]]
}
wait_until 20 board_hears 2
assert_eq "$(<"$dw_dir/board")" 'resolved one critical resolved a warning by now: 1 open dead letter'
jq -e '.[-1].alerts[0].resolved_at != null' "$dw_dir/board.all" >/dev/null || fail 'over, and not since when'
dw_sql erp "insert into one values (3, 7)"
wait_until 30 board_hears 3
assert_match "$(<"$dw_dir/board")" '^firing one critical firing 2 open'
dw_cli dead-letter discard "$(dw_sql state "select max(id) from dualwrite.dead_letter where state = 'open'")" --yes --wait 20 >/dev/null
wait_until 30 board_hears 4
dw_cli dead-letter discard --map one --yes --wait 20 >/dev/null
wait_until 20 is_over dead_letters one
wait_until 20 taken_is '.groupLabels.alertname == "dead_letters" and .status == "resolved"' 1
board_hears 4 || fail "the board hears twice that it is over: $(<"$dw_dir/board")"
dw_sql erp "insert into one values (4, 7)"
wait_until 30 fires dead_letters one

step "what has to stand for a while goes on standing over a restart"
dw_config '.alerts = { group_wait_ms: 100, for_ms: 3600000, dead_letter_rate_warning: 1, lag_warning_ms: 0, freshness_warning_ms: 0 }'
dw_kill reconciler
dw_start reconciler
stands() { sql_is state "select count(*) from dualwrite.alert_standing where rule = 'dead_letter_rate' and object = 'one'" 1; }
wait_until 20 stands
assert_eq "$(alerts '[.alerts[] | select(.alert == "dead_letter_rate")] | length')" 0 'it has not stood long enough'
dw_kill reconciler
dw_sql state "update dualwrite.alert_standing set since = now() - interval '2 hours' where rule = 'dead_letter_rate'"
dw_start reconciler
wait_until 30 fires dead_letter_rate one

step "a level that swings falls when it was lower for as long"
rate_is() { sql_is state "select level || ' ' || (lower_since is not null) from dualwrite.alert where rule = 'dead_letter_rate' and object = 'one' and resolved_at is null" "$1"; }
rate_limits() { # CRITICAL
    dw_config ".alerts = { group_wait_ms: 100, for_ms: 3600000, dead_letter_rate_warning: 1, dead_letter_rate_critical: $1, lag_warning_ms: 0, freshness_warning_ms: 0 }"
    dw_kill reconciler
    dw_start reconciler
}
rate_limits 1
wait_until 30 rate_is 'critical false'
rate_limits 1000
wait_until 30 rate_is 'critical true'
dw_sql state "update dualwrite.alert set lower_since = now() - interval '2 hours' where rule = 'dead_letter_rate'"
wait_until 30 rate_is 'warning false'
