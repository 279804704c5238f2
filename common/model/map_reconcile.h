/* map_reconcile.h - the member "reconcile" of a map: how it is compared and mended by itself.
 *
 * Kinds have one spelling for maps and settings. Threads: any.
 */
#ifndef DW_MODEL_MAP_RECONCILE_H
#define DW_MODEL_MAP_RECONCILE_H
#include "common/model/map_reader.h"
#include "common/model/table_map.h"

/* `node` NULL: all is as the settings have it. Only for table_map.c. */
void dw_map_reconcile_parse(struct dw_map_reader *reader, const struct dw_node *node,
                            struct dw_map_reconcile *out);

/* A set of kinds as an array literal of PostgreSQL: "{missing,held}"; static. */
const char *dw_map_reconcile_kinds(unsigned set);

#endif
