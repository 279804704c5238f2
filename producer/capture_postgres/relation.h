/* relation.h - what the stream says of tables, and which maps each one feeds, with the encoders of
 * its columns worked out beforehand.
 *
 * A relation is known from its Relation message on, by oid, until the next one. Types that are not
 * built in (domains, enums) need a look-up in the catalogue, which the owner of the cache does
 * elsewhere: until it has answered, dw_relation_unknown_types() is not empty and no row of that
 * relation may be encoded. Threads: one owner.
 */
#ifndef DW_CAPTURE_POSTGRES_RELATION_H
#define DW_CAPTURE_POSTGRES_RELATION_H
#include "common/model/event_encode.h"
#include "producer/capture_postgres/map_set.h"
#include "producer/capture_postgres/pgoutput.h"

struct dw_relation_column {
    size_t index; /* in the tuple */
    enum dw_encoding encoding;
    bool numeric;         /* 1.0 and 1.00 are one value */
    struct dw_str prefix; /* ,"name": */
};

/* A map that the relation feeds. */
struct dw_relation_feed {
    const struct dw_capture_map *map;
    const struct dw_relation_column *columns; /* in the map's order; those that there are */
    size_t column_count;
    const struct dw_relation_column *keys; /* the map's key; NULL when a column is missing */
    size_t key_count;
    bool numeric_key; /* one key may be written in several ways */
    bool key_in_old;  /* an old key tuple carries the whole key of the map */
    bool renamed;     /* the map's table has another name now: nothing of it is published */
    bool misses;      /* `code`: changes may be missing in the stream of events */
    const char *code; /* not NULL: the table is not what the map was made for */
    const char *reason;
};

struct dw_relation {
    uint32_t oid;
    struct dw_str schema, table;
    char replica_identity;
    const struct dw_pgoutput_column *columns;
    size_t column_count;
    const struct dw_relation_feed *feeds;
    size_t feed_count;
    struct dw_arena columns_arena, feeds_arena;
};

struct dw_relation_type {
    uint32_t oid;
    uint32_t base_oid;
};

struct dw_relations {
    struct dw_relation **slots; /* by oid, open addressing */
    size_t capacity;
    size_t count;
    const struct dw_relation *last;
    const struct dw_map_set *maps; /* borrowed */
    struct dw_relation_type *types;
    size_t type_count;
    uint32_t *unknown;
    size_t unknown_count;
};

void dw_relation_init(struct dw_relations *relations);
void dw_relation_done(struct dw_relations *relations);
/* At a new stream: the server sends every relation again. Types stay known. */
void dw_relation_forget(struct dw_relations *relations);

/* Other maps: works all relations out anew. Borrows `maps` until the next call. */
void dw_relation_set_maps(struct dw_relations *relations, const struct dw_map_set *maps);
/* Takes in a Relation message. */
void dw_relation_add(struct dw_relations *relations, const struct dw_pgoutput_message *message);
/* NULL when the server did not send it. */
const struct dw_relation *dw_relation_find(struct dw_relations *relations, uint32_t oid);

/* Type oids to look up; *out_count 0 when all is known. */
const uint32_t *dw_relation_unknown_types(const struct dw_relations *relations, size_t *out_count);
/* The answer; what is not in it counts as its own base. */
void dw_relation_add_types(struct dw_relations *relations, const struct dw_relation_type *types,
                           size_t count);

#endif
