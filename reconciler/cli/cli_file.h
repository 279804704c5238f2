/* cli_file.h - an answer of the operator API into a file. */
#ifndef DW_CLI_CLI_FILE_H
#define DW_CLI_CLI_FILE_H
#include "reconciler/cli/cli.h"

/* Asks with GET and writes the body into FILE; "-" is standard output. The file is there whole or
 * not at all: it is written beside it, then renamed. */
enum dw_cli_exit dw_cli_file_save(struct dw_cli *cli, const char *path, const char *file);

#endif
