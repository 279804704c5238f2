/* state_generation.h - the generations of maps (common/model/generation.h) in the state database.
 * Threads, errors: state.h.
 */
#ifndef DW_STATE_STATE_GENERATION_H
#define DW_STATE_STATE_GENERATION_H
#include "common/model/generation.h"
#include "common/state/state.h"

/* Adds those of all maps of a source system to `list`. */
enum dw_rc dw_state_generation_load(struct dw_state *state, const char *system,
                                    struct dw_generations *list, struct dw_err *err) DW_MUST_CHECK;

/* Notes those that are not there yet, each in the audit log, and puts the newest count into its
 * map. `json`: as dw_generation_format writes it. Maps that are not there are passed over. */
enum dw_rc dw_state_generation_note(struct dw_state *state, struct dw_str json, const char *by,
                                    struct dw_err *err) DW_MUST_CHECK;

/* A person has made more partitions for a map: into the audit log, and the producer is told to
 * look. */
enum dw_rc dw_state_generation_ask(struct dw_state *state, const char *map, int32_t partitions,
                                   const char *by, struct dw_err *err) DW_MUST_CHECK;

/* SQL for the files of this folder: the generations of map m; its partitions at a place. */
#define DW_STATE_GENERATIONS_OF                                                                    \
    "(SELECT coalesce(json_agg(json_build_object('map', g.map, 'generation', g.generation,"        \
    " 'before', g.before, 'partitions', g.partitions, 'epoch', g.epoch,"                           \
    " 'lsn', g.lsn - '0/0'::pg_lsn) ORDER BY g.generation), '[]')"                                 \
    " FROM dualwrite.map_generation g WHERE g.map = m.name)"
#define DW_STATE_PARTITIONS_AT(epoch, lsn)                                                         \
    "coalesce((SELECT g.partitions FROM dualwrite.map_generation g WHERE g.map = m.name"           \
    "  AND (g.epoch, g.lsn) <= (" epoch ", " lsn ") ORDER BY g.generation DESC LIMIT 1),"          \
    " (SELECT g.before FROM dualwrite.map_generation g WHERE g.map = m.name"                       \
    "  ORDER BY g.generation LIMIT 1), m.partitions)"

#endif
