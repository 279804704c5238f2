/* compare_hash.c - see compare_hash.h. */
#include "reconciler/compare/compare_hash.h"

#define SQL_MAX ((size_t)16 << 20)
#define JOIN    " OPERATOR(pg_catalog.#) "

#define INT8_OID 20
#define TEXT_OID 25

/* Types whose function takes them as they are (pg_amproc also has functions of types that are only
 * stored alike). */
static const struct {
    uint32_t oid;
    const char *function;
} functions[] = {
    {INT8_OID, "hashint8extended"}, {TEXT_OID, "hashtextextended"},
    {26, "hashoidextended"},        {700, "hashfloat4extended"},
    {701, "hashfloat8extended"},    {1042, "hashbpcharextended"},
    {1083, "time_hash_extended"},   {1114, "timestamp_hash_extended"},
    {1266, "timetz_hash_extended"}, {1700, "hash_numeric_extended"},
    {2950, "uuid_hash_extended"},   {3802, "jsonb_hash_extended"},
};

static const char *function_of(const struct dw_compare_pair *pair)
{
    uint32_t oid = pair->by == DW_COMPARE_TEXT ? TEXT_OID : pair->oid;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (functions[i].oid == oid)
            return functions[i].function;
    return NULL;
}

void dw_compare_hash_init(struct dw_compare_hash *hash)
{
    *hash = (struct dw_compare_hash){.count = 0};
    dw_buf_init(&hash->terms, SQL_MAX);
    dw_buf_init(&hash->rest, SQL_MAX);
}

void dw_compare_hash_done(struct dw_compare_hash *hash)
{
    dw_buf_done(&hash->terms);
    dw_buf_done(&hash->rest);
}

void dw_compare_hash_add(struct dw_compare_hash *hash, const struct dw_compare_pair *pair,
                         const char *expression)
{
    const char *function = function_of(pair);
    if (!function) {
        dw_buf_append_text(&hash->rest, hash->rest.len ? ", " : "");
        dw_pg_compare_put(&hash->rest, pair->by, expression);
        return;
    }
    hash->count++;
    dw_buf_printf(&hash->terms, "%scoalesce(pg_catalog.%s(", hash->terms.len ? JOIN : "", function);
    dw_pg_compare_put(&hash->terms, pair->by, expression);
    dw_buf_printf(&hash->terms, ", %d)", hash->count);
    /* The function makes 32 bits of the 64 before it hashes them: many numbers have one hash. */
    if (pair->oid == INT8_OID)
        dw_buf_printf(&hash->terms, JOIN "%s", expression);
    dw_buf_printf(&hash->terms, ", %d)", hash->count);
}

void dw_compare_hash_add_flag(struct dw_compare_hash *hash, const char *expression)
{
    dw_buf_printf(&hash->rest, "%s%s", hash->rest.len ? ", " : "", expression);
}

void dw_compare_hash_write(const struct dw_compare_hash *hash, struct dw_buf *out)
{
    dw_buf_append_str(out, dw_buf_str(&hash->terms));
    if (!hash->rest.len && hash->terms.len)
        return;
    dw_buf_printf(out, "%spg_catalog.hash_record_extended(ROW(", hash->terms.len ? JOIN : "");
    dw_buf_append_str(out, dw_buf_str(&hash->rest));
    dw_buf_append_text(out, "), 0)");
}
