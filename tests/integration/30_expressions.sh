#!/usr/bin/env bash
# Random expressions over random rows, evaluated by common/expr and by PostgreSQL: the same value or the same kind of
# failure for every row, and as a filter the same rows. DW_EXPR_SEED repeats a run, DW_EXPR_COUNT makes it longer.
. "$(dirname "$0")/../support/lib.sh"
dw_up --pg erp
export DW_PG_ERP
seeds=(1 "${DW_EXPR_SEED:-$(date +%s)}")
for seed in "${seeds[@]}"; do
    step "seed $seed"
    "$dw_bin/../tests/expr_differential" "$seed" "${DW_EXPR_COUNT:-8000}" >&2 ||
        fail "common/expr and PostgreSQL differ; again: DW_EXPR_SEED=$seed"
done
