/* expr_sql.h - a checked tree as SQL; the public door is dw_expr_write_sql in expr.h. */
#ifndef DW_EXPR_EXPR_SQL_H
#define DW_EXPR_EXPR_SQL_H
#include "common/expr/expr_tree.h"

struct dw_expr_sql_reader {
    bool is_filter; /* takes null for false */
    bool can_fail;  /* of the expression */
};

void dw_expr_sql_write(const struct dw_expr_node *node, const struct dw_expr_sql_reader *reader,
                       struct dw_expr_sql *sql, struct dw_arena *arena, struct dw_buf *out);

#endif
