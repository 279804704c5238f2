/* state_letters_sql.h - how letters are selected; for the files of this folder only. */
#ifndef DW_STATE_STATE_LETTERS_SQL_H
#define DW_STATE_STATE_LETTERS_SQL_H
#include "common/state/state_db.h"
#include "common/state/state_letters.h"

#define DW_LETTER_FILTER_PARAMS 10

/* Parameters $1 to $10, as dw_state_letters_params gives them. */
#define DW_LETTER_FILTER                                                                           \
    "($1::text IS NULL OR map = $1) AND ($2::text[] IS NULL OR state = ANY ($2::text[]))"          \
    " AND ($3::text IS NULL OR code = $3) AND ($4::text IS NULL OR class = $4)"                    \
    " AND ($5::text IS NULL OR column_name = $5)"                                                  \
    " AND ($6::text IS NULL OR position(lower($6) IN lower(message)) > 0)"                         \
    " AND ($7::text IS NULL OR key IS NOT NULL AND CASE WHEN left($7, 1) = '['"                    \
    "  THEN NOT EXISTS (SELECT FROM json_array_elements_text($7::json) v"                          \
    "   WHERE position(convert_to(':' || to_json(v.value)::text, 'UTF8') IN key) = 0"              \
    "   AND position(convert_to(':' || v.value || ',', 'UTF8') IN key) = 0"                        \
    "   AND position(convert_to(':' || v.value || '}', 'UTF8') IN key) = 0)"                       \
    "  ELSE position(convert_to($7, 'UTF8') IN key) > 0 END)"                                      \
    " AND ($8::bigint = 0 OR coalesce(nullif(failed_us, 0),"                                       \
    "  (extract(epoch FROM indexed_at) * 1000000)::bigint) < $8::bigint)"                          \
    " AND ($9::bigint = 0 OR coalesce(nullif(failed_us, 0),"                                       \
    "  (extract(epoch FROM indexed_at) * 1000000)::bigint) >= $9::bigint)"                         \
    " AND ($10::bigint[] IS NULL OR id = ANY ($10::bigint[]))"

void dw_state_letters_params(const struct dw_letter_filter *filter, struct dw_arena *arena,
                             const char *params[DW_LETTER_FILTER_PARAMS]);

/* The matches with rising ids, from above `after` up to `last`. */
struct dw_letter_walk {
    int64_t after, last;
    int limit;
};
enum dw_rc dw_state_letters_walk(struct dw_state *state,
                                 const char *const params[DW_LETTER_FILTER_PARAMS],
                                 const struct dw_letter_walk *walk, struct dw_arena *arena,
                                 struct dw_letter_list *out, struct dw_err *err) DW_MUST_CHECK;

/* A bytea field; .ptr NULL: null. */
struct dw_str dw_state_letters_bytes(const PGresult *result, int row, int column,
                                     struct dw_arena *arena);

#endif
