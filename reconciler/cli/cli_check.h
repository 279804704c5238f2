/* cli_check.h - map files: reading them, showing what is wrong with them. */
#ifndef DW_CLI_CLI_CHECK_H
#define DW_CLI_CLI_CHECK_H
#include "common/model/table_map.h"
#include "reconciler/cli/cli.h"

#define DW_CLI_CHECK_FILE_MAX (8u << 20) /* bytes */

/* Reads and parses a map file; a file that cannot be read is a problem like others. NULL: it has
 * problems. Everything lives in the arena. */
const struct dw_table_map *dw_cli_check_read(const char *file, struct dw_arena *arena,
                                             struct dw_map_problems *problems,
                                             struct dw_str *out_text);
/* On standard output, with --json as {"problems":[…]}. */
void dw_cli_check_print(const struct dw_cli *cli, const struct dw_map_problems *problems);

#endif
