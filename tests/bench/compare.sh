# shellcheck shell=bash
# compare.sh - the part "compare" of run: two equal tables, against one side's COPY in key order and against data-diff.

# The same rows on both sides, an integer key beside the sixteen columns of the other benchmarks. They come without the stream.
prepare_compare() {
    local database
    say "compare: $compared rows on both sides"
    for database in erp crm; do
        sql "$database" "create table compared (id int primary key, like customers)"
        sql "$database" "set synchronous_commit = off; insert into compared select row_number() over (), r.* from bench_rows(1, $compared) r"
        sql "$database" 'vacuum analyze compared'
        sql "$database" checkpoint
    done
    data_diff_install
    [[ ! $peer_only ]] || return 0
    jq '.map = "compared" | .source.table = "public.compared" | .target.table = "public.compared" | .source.key = ["id"] | .target.key = ["id"]
        | .columns += [{ source: "id", target: "id" }]' "$dir/customers.json" >"$dir/compared.json"
    "$bin/dualwrite" map apply "$dir/compared.json" --start --no-sync >>"$dir/apply.log" 2>&1 || die "map apply failed: $(tail -n 3 "$dir/apply.log")"
    wait_sql crm 60 "select count(*) = 4 from dualwrite.progress where map = 'compared'"
}

data_diff_runs=0
# data-diff has to find an older dbt and pydantic than its own requirements name by now. Without the network there is no peer.
data_diff_install() {
    data_diff=${DW_DATA_DIFF:-$dir/venv/bin/data-diff}
    [[ ! -x $data_diff ]] || return 0
    { python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install -q 'data-diff==0.11.2' 'dbt-core<1.8' 'pydantic<2' psycopg2-binary; } >"$dir/venv.log" 2>&1 || {
        say "data-diff cannot be installed: $(tail -n 1 "$dir/venv.log")"
        data_diff=
    }
}

compare_copy() { # NAME
    local begun
    begun=$(now)
    psql -XAtq -v ON_ERROR_STOP=1 -d "$DW_PG_ERP" -o /dev/null -c 'copy (select * from compared order by id) to stdout'
    note "$1.peer" "$(seconds_since "$begun")"
}

# The time is the reconciler's: from the taking up of the order to the last verdict.
compare_ours() { # NAME DIFFERENCES
    local run
    [[ ! $peer_only ]] || return 0
    "$bin/dualwrite" reconcile run compared --wait --json >"$dir/compare.json" 2>&1 || (($2)) || die "compare: $(<"$dir/compare.json")"
    run=$(jq .run "$dir/compare.json")
    [[ $(jq '.differences + .not_judged' "$dir/compare.json") == "$2" ]] || die "compare: not $2 differences: $(<"$dir/compare.json")"
    note "$1.ours" "$(sql state "select round(extract(epoch from ended_at - started_at)::numeric, 3) from dualwrite.reconcile_run where id = $run")"
}

data_diff_configure() {
    local side number=0
    printf '[run.default]\nkey_columns = ["id"]\ncolumns = ["company", "account", "name", "grp", "currency", "credit", "balance", "blocked", "street", "city", "country", "email", "phone", "version", "created", "modified"]\n'
    for side in erp crm; do
        local port=DW_PG_${side^^}_PORT passfile=DW_PG_${side^^}_PASSFILE
        printf '[database.%s]\ndriver = "postgresql"\nuser = "postgres"\nhost = "127.0.0.1"\nport = %s\ndatabase = "%s"\npassword = "%s"\n' \
            "$side" "${!port}" "$side" "$(head -n 1 "${!passfile}" | cut -d : -f 5)"
        printf '[run.default.%s]\ndatabase = "%s"\ntable = "compared"\n' $((++number)) "$side"
    done
}

# Our own comparison has to count right, or the bench ends. The peer's miscount is a fact to tell: the time of a wrong answer
# does not count, and what it printed is kept.
compare_data_diff() { # NAME DIFFERENCES
    local begun found took out=$dir/data-diff.$1.$((++data_diff_runs))
    [[ $data_diff ]] || return 0
    (umask 077 && data_diff_configure >"$dir/data-diff.toml")
    begun=$(now)
    # It folds its lines to the width of the terminal, and a telephone number may come to stand at the beginning of one.
    COLUMNS=10000 "$data_diff" --conf "$dir/data-diff.toml" --run default --no-tracking >"$out" 2>>"$dir/venv.log" || true
    took=$(seconds_since "$begun")
    found=$(grep -c '^+ ' "$out") || true
    if [[ $found == "$2" ]]; then
        note "$1.diff" "$took"
    else
        note "$1.miscount" "$found"
        say "data-diff tells $found rows, $(grep '^+ ' "$out" | sort -u | wc -l) of them distinct, where $2 differ: ${took} s, not counted"
    fi
}

measure_compare() { # ROUND: they take turns in going first
    local turn
    for turn in 0 1 2; do
        case $((($1 + turn) % 3)) in
            0) compare_copy compare_equal ;;
            1) compare_ours compare_equal 0 ;;
            2) compare_data_diff compare_equal 0 ;;
        esac
    done
    sql crm "update compared set name = name || '!' where id % $((compared / 100)) = 0"
    sql crm 'vacuum analyze compared'
    for turn in 0 1 2; do
        case $((($1 + turn) % 3)) in
            0) compare_copy compare_hundred ;;
            1) compare_ours compare_hundred 100 ;;
            2) compare_data_diff compare_hundred 100 ;;
        esac
    done
    sql crm "update compared set name = rtrim(name, '!') where id % $((compared / 100)) = 0"
    sql crm 'vacuum analyze compared'
}

# How often data-diff told another number of rows, and which.
miscounts_line() { # NAME DIFFERENCES
    awk -v name="$1.miscount" -v right="$2" '$1 == name { told = told (n++ ? ", " : "") $2 }
        END { if (n) printf "| data-diff, where %d rows differ: told %s; those times are not counted | | | | |\n", right, told }' "$dir/results"
}

# Of speeds: the COPY's time, or data-diff's, to ours.
compare_lines() {
    local name text
    for name in equal hundred; do
        text="comparison of $compared rows on both sides, $([[ $name == equal ]] && printf 'all equal' || printf '100 different')"
        rate_line "$text; one side's COPY in key order" "compare_$name" "$([[ $name == equal ]] && printf '≥ 1.0' || true)" "$compared"
        sed "s/^compare_$name.diff /compare_$name.peer /; t; /^compare_$name.peer /d" "$dir/results" >"$dir/results.diff"
        dir_results=$dir/results.diff rate_line "$text; data-diff" "compare_$name" '≥ 5' "$compared"
        miscounts_line "compare_$name" "$([[ $name == equal ]] && printf 0 || printf 100)"
    done
}
