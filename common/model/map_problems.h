/* map_problems.h - mistakes in maps, collected: by the parser, by the check, for people and
 * programs.
 *
 * Threads: one owner.
 */
#ifndef DW_MODEL_MAP_PROBLEMS_H
#define DW_MODEL_MAP_PROBLEMS_H
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include <stdbool.h>
#include <stdio.h>

struct dw_map_problem {
    char code[DW_ERR_ID_MAX]; /* "DW-MAP-012" */
    bool warning;             /* the map would still work */
    struct dw_str file;
    struct dw_str path;    /* place in the file: "columns[2].values.No" */
    unsigned line;         /* 1-based, 0 unknown */
    struct dw_str message; /* what was found and what is allowed */
    struct dw_str remedy;  /* what to do: a sentence or SQL; empty when the message says it all */
};

struct dw_map_problems {
    struct dw_arena *arena; /* where texts live; borrowed */
    struct dw_map_problem *items;
    size_t count;
    size_t capacity;
    size_t errors; /* of all ever added, dropped ones too */
};

/* After so many, more are dropped: a file of garbage must not fill the memory. */
#define DW_MAP_PROBLEMS_MAX 500

void dw_map_problems_init(struct dw_map_problems *problems, struct dw_arena *arena);

/* Adds a problem; all texts are copied, control characters in them become spaces (newlines of the
 * remedy stay). Never fails. */
void dw_map_problems_add(struct dw_map_problems *problems, const struct dw_map_problem *problem);

/* Number of problems that are not warnings. */
size_t dw_map_problems_errors(const struct dw_map_problems *problems);

/* For a person, one after the other:
 *   FILE:LINE: error DW-MAP-012 columns[2].target: message
 *       remedy: … */
void dw_map_problems_print(FILE *out, const struct dw_map_problems *problems, bool colour);

/* A JSON array of {"code","severity","file","path","line","message","remedy"}. */
void dw_map_problems_write(struct dw_buf *out, const struct dw_map_problems *problems);

#endif
