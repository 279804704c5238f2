#!/usr/bin/env bash
# The PostgreSQL writer against a real server, without Kafka: fence, coalescing, partial rows, unique values handed on,
# foreign keys, bisection, all types, loop marks. The programs are built from consumer/write_postgres beside this file.
. "$(dirname "$0")/../support/lib.sh"
dw_up --pg crm
export DW_PG_CRM
for program in "$dw_bin"/../tests/test_writer_*; do
    step "$(basename "$program")"
    "$program" >"$dw_dir/program.log" 2>&1 || { cat "$dw_dir/program.log" >&2; fail "$(basename "$program") failed"; }
done
