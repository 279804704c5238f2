/* expr_number_raw.h - what the two halves of expr_number.h share; nobody else includes it. */
#ifndef DW_EXPR_EXPR_NUMBER_RAW_H
#define DW_EXPR_EXPR_NUMBER_RAW_H
#include "common/expr/expr_number.h"

#define DW_EXPR_NUMBER_SCALE_MAX  16383 /* PostgreSQL's NUMERIC_DSCALE_MAX */
#define DW_EXPR_NUMBER_WEIGHT_MAX 32767 /* NUMERIC_WEIGHT_MAX */

/* Takes zeros off both ends; overflow where numeric's header could not hold the number. */
enum dw_expr_number_rc dw_expr_number_strip(struct dw_expr_number *number);

#endif
