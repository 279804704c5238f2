/* state_migrate.h - the migrations that are built in: common/state/migrations/NNN_name.sql.
 *
 * A file that was ever released is never edited: its checksum is kept in the database and compared.
 */
#ifndef DW_STATE_STATE_MIGRATE_H
#define DW_STATE_STATE_MIGRATE_H
#include "common/base/str.h"
#include <stddef.h>

struct dw_state_migration {
    int number; /* 1, 2, … without holes */
    const char *name;
    struct dw_str sql;
};

/* In order. Static. */
const struct dw_state_migration *dw_state_migrate_list(size_t *out_count);
/* SHA-256 of the file in hexadecimal; returns `out`. */
const char *dw_state_migrate_checksum(const struct dw_state_migration *migration, char out[65]);

#endif
