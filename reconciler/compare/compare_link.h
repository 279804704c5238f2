/* compare_link.h - the connections of a comparison, and questions asked on two at once.
 *
 * Sessions are read-only, walk indexes, use no parallel workers, and end a statement that takes
 * longer than a minute. Threads: one owner. Errors: DW_RETRY for outages and time-outs; DW_CONFIG.
 */
#ifndef DW_COMPARE_COMPARE_LINK_H
#define DW_COMPARE_COMPARE_LINK_H
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/config/settings.h"
#include "common/state/state.h"
#include "reconciler/compare/compare_plan.h"

struct pg_conn;
struct pg_result;

struct dw_compare_links {
    struct pg_conn *source, *target;
    struct pg_conn *ahead; /* to the source, too; NULL until something is asked there */
    const struct dw_system_settings *source_system; /* borrowed */
};

enum dw_rc dw_compare_links_open(struct dw_compare_links *links,
                                 const struct dw_system_settings *source,
                                 const struct dw_system_settings *target,
                                 struct dw_err *err) DW_MUST_CHECK;
void dw_compare_links_close(struct dw_compare_links *links);

/* Parameters of a statement, as they are put together. */
struct dw_compare_params {
    struct dw_arena *arena;
    const char **values;
    int count, capacity;
};
void dw_compare_params_init(struct dw_compare_params *params, struct dw_arena *arena);
void dw_compare_params_add(struct dw_compare_params *params, const char *value);
void dw_compare_params_add_i64(struct dw_compare_params *params, int64_t value);
void dw_compare_params_add_side(struct dw_compare_params *params,
                                const struct dw_compare_side *side, int count);
/* An array of texts; `stride` texts lie between two of them; .ptr NULL: null. */
void dw_compare_params_add_list(struct dw_compare_params *params, const struct dw_str *texts,
                                size_t count, size_t stride);

enum dw_rc dw_compare_ask(struct pg_conn *conn, const char *sql,
                          const struct dw_compare_params *params, struct pg_result **out,
                          struct dw_err *err) DW_MUST_CHECK;
/* Both at the same time; both results are the caller's (PQclear), also when one failed. */
struct dw_compare_asked {
    const char *sql;
    struct dw_compare_params params;
    struct pg_result *result;
};
enum dw_rc dw_compare_ask_both(struct dw_compare_links *links, struct dw_compare_asked *source,
                               struct dw_compare_asked *target, struct dw_err *err) DW_MUST_CHECK;

/* Asks the source what is wanted later, while other questions are answered. Only one at a time; one
 * that cannot be asked is not answered. */
void dw_compare_ask_ahead(struct dw_compare_links *links, const char *sql,
                          const struct dw_compare_params *params);
/* Waits for the answer. NULL: there is none, and it has to be asked again, where errors are told.
 */
struct pg_result *dw_compare_take_ahead(struct dw_compare_links *links);
/* Nobody wants it any more. */
void dw_compare_drop_ahead(struct dw_compare_links *links);

/* Whether every partition of a map's topic was applied up to a place of the stream. */
struct dw_compare_place {
    uint32_t epoch;
    uint64_t lsn;
};
enum dw_rc dw_compare_has_passed(struct pg_conn *target, const struct dw_map_record *record,
                                 struct dw_compare_place place, bool *out,
                                 struct dw_err *err) DW_MUST_CHECK;

/* Reads a JSON array of `count` texts. DW_CONFIG DW-SYNC-003. */
enum dw_rc dw_compare_key_parse(const char *json, size_t count, struct dw_arena *arena,
                                struct dw_str *out, struct dw_err *err) DW_MUST_CHECK;
/* A JSON array of texts, in the arena. */
const char *dw_compare_key_format(const struct dw_str *texts, size_t count, struct dw_arena *arena);
/* The same of a key in the plan's order, turned to the map's. */
const char *dw_compare_key_of_plan(const struct dw_compare_plan *plan, const struct dw_str *texts,
                                   struct dw_arena *arena);

/* Keys (JSON arrays in the map's order) as an array of texts for each key column of the plan. */
enum dw_rc dw_compare_params_add_keys(struct dw_compare_params *params,
                                      const struct dw_compare_plan *plan, const char *const *keys,
                                      size_t count, struct dw_err *err) DW_MUST_CHECK;

#endif
