/* test_batch.c - what a batch makes of records, with real events and a real map. */
#include "consumer/pipeline/batch.h"

#include "common/base/base64.h"
#include "common/model/map_resolved.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static const char map_text[] =
    "{\"map\":\"customers\",\"version\":\"1.0.0\","
    "\"source\":{\"system\":\"erp\",\"table\":\"public.cust\",\"key\":[\"id\"]},"
    "\"target\":{\"system\":\"crm\",\"table\":\"public.accounts\",\"key\":[\"aid\"]},"
    "\"direction\":\"forward\",\"mode\":\"async\","
    "\"columns\":[{\"source\":\"name\",\"target\":\"title\"}]}";

static const char resolved_text[] =
    "{\"source\":{\"replica_identity\":\"d\",\"columns\":{"
    "\"id\":{\"type\":\"integer\",\"oid\":23,\"base_oid\":23,\"typmod\":-1,\"not_null\":true,"
    "\"toastable\":false},"
    "\"name\":{\"type\":\"text\",\"oid\":25,\"base_oid\":25,\"typmod\":-1,\"not_null\":false,"
    "\"toastable\":true}}},"
    "\"target\":{\"replica_identity\":\"d\",\"columns\":{"
    "\"aid\":{\"type\":\"integer\",\"oid\":23,\"base_oid\":23,\"typmod\":-1,\"not_null\":true,"
    "\"toastable\":false},"
    "\"title\":{\"type\":\"text\",\"oid\":25,\"base_oid\":25,\"typmod\":-1,\"not_null\":false,"
    "\"toastable\":true}}}}";

struct fixture {
    struct dw_arena maps, arena;
    struct dw_buf text;
    struct dw_waiting_set waiting;
    struct dw_batch_rules rules;
    struct dw_progress progress;
    struct dw_batch batch;
    bool passes;
};

static bool schema_passes(void *context, int64_t revision, const char *code)
{
    (void)revision;
    assert_string_equal(code, "DW-CAPTURE-031");
    return ((struct fixture *)context)->passes;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    dw_arena_init(&f->maps, 65536);
    dw_arena_init(&f->arena, 65536);
    dw_buf_init(&f->text, 1 << 20);
    dw_waiting_init(&f->waiting);
    struct dw_map_problems problems = {.arena = &f->maps};
    struct dw_err err = DW_ERR_INIT;
    struct dw_map_resolved *resolved = DW_ARENA_NEW(&f->maps, struct dw_map_resolved);
    struct dw_transform *transform = NULL;
    f->rules.map = dw_table_map_parse(dw_str_from(map_text), "test", &f->maps, &problems);
    if (!f->rules.map ||
        dw_map_resolved_parse(dw_str_from(resolved_text), &f->maps, resolved, &err) != DW_OK ||
        dw_transform_new(&transform, f->rules.map, resolved, &f->maps, &err) != DW_OK) {
        print_error("%s %s\n", err.message, problems.count ? problems.items[0].message.ptr : "");
        return -1;
    }
    f->rules.transform = transform;
    f->rules.source = &resolved->source;
    f->rules.topic = "dualwrite.customers";
    f->rules.revision = 3;
    f->rules.waiting = &f->waiting;
    f->rules.text = &f->text;
    f->rules.schema_passes = schema_passes;
    f->rules.context = f;
    f->progress = (struct dw_progress){.version = {1, 1000, 5}, .heartbeat_us = 10};
    dw_batch_init(&f->batch, &f->arena, &f->rules, &f->progress, 1);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    dw_waiting_done(&f->waiting);
    dw_buf_done(&f->text);
    dw_arena_done(&f->arena);
    dw_arena_done(&f->maps);
    free(f);
    return 0;
}

/* An event of op at (epoch 1, lsn, ordinal 0) with the members given. */
static struct dw_str event(struct fixture *f, char op, unsigned lsn, const char *members)
{
    return dw_str_from(dw_arena_printf(
        &f->arena,
        "{\"op\":\"%c\",\"ts_ms\":1,\"source\":{\"version\":\"0.1.0\",\"connector\":\"dualwrite\","
        "\"name\":\"erp\",\"ts_ms\":1,\"snapshot\":\"false\",\"db\":\"erp\","
        "\"sequence\":\"[]\",\"ts_us\":77,\"schema\":\"public\",\"table\":\"cust\",\"txId\":1,"
        "\"lsn\":%u,\"epoch\":1,\"ordinal\":0},%s}",
        op, lsn, members));
}

static enum dw_batch_add add(struct fixture *f, int64_t offset, struct dw_str value)
{
    struct dw_feed_record record = {offset, DW_STR_LIT("{\"id\":1}"), value};
    return dw_batch_add_record(&f->batch, &record);
}

static struct dw_batch_item *last(struct fixture *f)
{
    return f->batch.items[f->batch.count - 1];
}

static const char row[] = "\"before\":null,\"after\":{\"id\":1,\"name\":\"Contoso\"}";

static void test_a_create_becomes_a_replacing_upsert(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(add(f, 0, event(f, 'c', 2000, row)), DW_BATCH_ADDED);
    struct dw_change *change = last(f)->change;
    assert_non_null(change);
    assert_int_equal(change->kind, DW_CHANGE_UPSERT);
    assert_true(change->replaces);
    assert_true(dw_str_is(change->key_text, "[\"1\"]"));
    assert_true(dw_str_is(change->origin, "erp"));
    assert_int_equal(change->commit_us, 77);
    assert_int_equal(f->batch.change_count, 1);
    assert_int_equal(f->batch.version.commit_lsn, 2000);
    assert_int_equal(add(f, 1, event(f, 'u', 2001, row)), DW_BATCH_ADDED);
    assert_false(last(f)->change->replaces);
}

/* Its version means nothing here; raised to it, ours would all be taken for duplicates. */
static void test_a_record_of_another_system_dies_and_leaves_the_version(void **state)
{
    struct fixture *f = *state;
    static const char *const sources[] = {
        "\"name\":\"elsewhere\",\"lsn\":18446744073709551615",
        "\"lsn\":5000",
    };
    static const char ops[] = "cmt";
    int64_t offset = 0;
    for (size_t i = 0; i < 2; i++)
        for (const char *op = ops; *op; op++) {
            struct dw_str value = dw_str_from(
                dw_arena_printf(&f->arena,
                                "{\"op\":\"%c\",\"source\":{%s,\"epoch\":9,\"ordinal\":0},%s,"
                                "\"message\":{\"prefix\":\"dualwrite.schema\",\"content\":\"\"}}",
                                *op, sources[i], row));
            assert_int_equal(add(f, offset++, value), DW_BATCH_ADDED);
            assert_int_equal(last(f)->outcome, DW_OUTCOME_DEAD);
            assert_string_equal(last(f)->err->id, "DW-APPLY-210");
            assert_string_equal(last(f)->failure_class, "format");
            assert_false(last(f)->has_version);
        }
    assert_int_equal(f->batch.version.commit_lsn, 1000);
    assert_int_equal(add(f, offset, event(f, 'c', 2000, row)), DW_BATCH_ADDED);
    assert_non_null(last(f)->change);
}

static void test_a_delete_takes_the_key_of_before(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(add(f, 0, event(f, 'd', 2000, "\"before\":{\"id\":7},\"after\":null")),
                     DW_BATCH_ADDED);
    assert_int_equal(last(f)->change->kind, DW_CHANGE_DELETE);
    assert_true(dw_str_is(last(f)->change->key_text, "[\"7\"]"));
    add(f, 1, event(f, 'd', 2001, "\"before\":null,\"after\":null"));
    assert_int_equal(last(f)->outcome, DW_OUTCOME_DEAD);
    assert_string_equal(last(f)->failure_class, "format");
}

static void test_what_is_not_newer_is_a_duplicate(void **state)
{
    struct fixture *f = *state;
    add(f, 0, event(f, 'c', 999, row));
    assert_int_equal(last(f)->outcome, DW_OUTCOME_DUPLICATE);
    assert_null(last(f)->change);
    add(f, 1, event(f, 'c', 2000, row));
    add(f, 2, event(f, 'c', 2000, row)); /* within the batch too */
    assert_int_equal(last(f)->outcome, DW_OUTCOME_DUPLICATE);
    assert_int_equal(f->batch.change_count, 1);
}

static void test_a_foreign_event_goes_by_its_offset(void **state)
{
    struct fixture *f = *state;
    static const char foreign[] = "{\"op\":\"u\",\"ts_ms\":5,\"source\":{\"name\":\"dbz\","
                                  "\"lsn\":7},\"before\":null,\"after\":{\"id\":1,\"name\":\"x\"}}";
    add(f, 0, dw_str_from(foreign));
    add(f, 1, dw_str_from(foreign));
    assert_int_equal(f->batch.change_count, 2);
    assert_int_equal(f->batch.version.commit_lsn, 1000);
    add(f, 2,
        dw_str_from("{\"op\":\"t\",\"ts_ms\":5,\"source\":{\"name\":\"dbz\"},"
                    "\"before\":null,\"after\":null}"));
    assert_int_equal(last(f)->outcome, DW_OUTCOME_DEAD); /* no barrier without a version */
    assert_string_equal(last(f)->failure_class, "incomplete");
}

static void test_poison_dies_with_its_bytes(void **state)
{
    struct fixture *f = *state;
    static const char *const poison[] = {"",   "{",        "null",           "[]",
                                         "{}", "\xff\xfe", "{\"op\":\"c\"}", "{\"op\":\"x\"}"};
    for (size_t i = 0; i < sizeof poison / sizeof *poison; i++) {
        assert_int_equal(add(f, (int64_t)i, dw_str_from(poison[i])), DW_BATCH_ADDED);
        assert_int_equal(last(f)->outcome, DW_OUTCOME_DEAD);
        assert_string_equal(last(f)->failure_class, "format");
        assert_true(last(f)->value.ptr == poison[i]);
        assert_true(last(f)->err->id[0] != '\0');
        assert_int_equal(last(f)->stage, DW_DEAD_LETTER_VALUE_CONVERTER);
    }
    add(f, 90, event(f, 'c', 2000, "\"before\":null,\"after\":{\"id\":\"abc\",\"name\":\"x\"}"));
    assert_int_equal(last(f)->outcome, DW_OUTCOME_DEAD);
    assert_int_equal(last(f)->stage, DW_DEAD_LETTER_TRANSFORMATION);
    assert_int_equal(f->batch.change_count, 0);
}

static void test_a_tombstone_is_filtered(void **state)
{
    struct fixture *f = *state;
    add(f, 0, (struct dw_str){NULL, 0});
    assert_int_equal(last(f)->outcome, DW_OUTCOME_FILTERED);
}

static struct dw_str message(struct fixture *f, unsigned lsn, const char *prefix,
                             const char *content)
{
    struct dw_buf encoded;
    dw_buf_init(&encoded, 4096);
    dw_base64_encode(&encoded, content, strlen(content));
    struct dw_str text =
        event(f, 'm', lsn,
              dw_arena_printf(&f->arena, "\"message\":{\"prefix\":\"%s\",\"content\":\"%.*s\"}",
                              prefix, (int)encoded.len, encoded.data));
    dw_buf_done(&encoded);
    return text;
}

static void test_a_heartbeat_moves_freshness_and_version(void **state)
{
    struct fixture *f = *state;
    add(f, 0, message(f, 3000, DW_EVENT_HEARTBEAT, "{\"sent_us\":123456}"));
    assert_int_equal(last(f)->outcome, DW_OUTCOME_CONTROL);
    assert_int_equal(f->batch.heartbeat_us, 123456);
    assert_int_equal(f->batch.version.commit_lsn, 3000);
    add(f, 1, message(f, 3001, "somebody.else", "x"));
    assert_int_equal(last(f)->outcome, DW_OUTCOME_FILTERED);
}

static void test_a_marker_is_a_batch_of_its_own(void **state)
{
    struct fixture *f = *state;
    const char *content =
        "{\"map\":\"custs\",\"revision\":4,\"document\":\"D\",\"resolved\":\"R\"}";
    struct dw_str marker = message(f, 3000, DW_EVENT_MAP, content);
    f->batch.rules.marked = true;
    assert_int_equal(add(f, 1, event(f, 'd', 2000, "\"before\":{\"id\":1},\"after\":null")),
                     DW_BATCH_ADDED);
    assert_int_equal(add(f, 2, marker), DW_BATCH_MARKER);
    assert_int_equal(f->batch.count, 1);
    f->batch.count = f->batch.change_count = 0; /* the next batch */
    assert_int_equal(add(f, 2, marker), DW_BATCH_ADDED);
    assert_int_equal(last(f)->outcome, DW_OUTCOME_CONTROL);
    assert_int_equal(f->batch.marker_revision, 4);
    assert_true(dw_str_is(f->batch.marker_document, "D"));
    assert_true(dw_str_is(f->batch.marker_resolved, "R"));
}

static void test_a_marker_of_what_is_in_force_changes_nothing(void **state)
{
    struct fixture *f = *state;
    const char *content =
        "{\"map\":\"custs\",\"revision\":3,\"document\":\"D\",\"resolved\":\"R\"}";
    f->batch.rules.marked = true;
    assert_int_equal(add(f, 1, message(f, 3000, DW_EVENT_MAP, content)), DW_BATCH_ADDED);
    assert_int_equal(f->batch.marker_revision, 0);
    f->batch.rules.marked = false; /* nothing was announced before: it is news */
    f->batch.rules.forced = 4;     /* but an operator put a later one in force */
    assert_int_equal(add(f, 2, message(f, 4000, DW_EVENT_MAP, content)), DW_BATCH_ADDED);
    assert_int_equal(f->batch.marker_revision, 0);
    assert_int_equal(add(f, 3, message(f, 5000, DW_EVENT_MAP, "{\"revision\":9}")), DW_BATCH_ADDED);
    assert_int_equal(f->batch.marker_revision, 0);
}

static void test_a_mark_of_a_generation_is_taken_once(void **state)
{
    struct fixture *f = *state;
    const char *content = "{\"map\":\"custs\",\"generation\":2,\"before\":2,\"partitions\":5,"
                          "\"reach\":2}";
    assert_int_equal(add(f, 1, message(f, 900, DW_EVENT_GENERATION, content)), DW_BATCH_ADDED);
    assert_int_equal(last(f)->outcome, DW_OUTCOME_DUPLICATE);
    assert_int_equal(f->batch.generation.reach, 0);
    assert_int_equal(add(f, 2, message(f, 3000, DW_EVENT_GENERATION, content)), DW_BATCH_ADDED);
    assert_int_equal(last(f)->outcome, DW_OUTCOME_CONTROL);
    assert_int_equal(f->batch.generation.before, 2);
    assert_int_equal(f->batch.generation.partitions, 5);
    assert_int_equal(f->batch.generation.reach, 2);
    assert_int_equal(f->batch.generation_number, 2);
    assert_int_equal(f->batch.generation.version.commit_lsn, 3000);
}

static void test_a_record_of_another_table_is_dead(void **state)
{
    struct fixture *f = *state;
    struct dw_table_map other = *f->rules.map;
    other.source.table = DW_STR_LIT("others");
    f->batch.rules.map = &other;
    assert_int_equal(add(f, 1, event(f, 'd', 3000, "\"before\":{\"id\":1},\"after\":null")),
                     DW_BATCH_ADDED);
    assert_int_equal(last(f)->outcome, DW_OUTCOME_DEAD);
    assert_string_equal(last(f)->err->id, "DW-APPLY-212");
    assert_non_null(strstr(last(f)->err->message, "of table public.cust, and the map reads"));
    assert_int_equal(f->batch.version.commit_lsn, 1000);
}

static void test_a_malformed_mark_holds_nobody_up(void **state)
{
    struct fixture *f = *state;
    static const char *const contents[] = {"", "{", "{\"before\":2,\"partitions\":5}",
                                           "{\"before\":0,\"partitions\":5,\"reach\":2}",
                                           "{\"before\":2,\"partitions\":99999999999,\"reach\":2}"};
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        struct dw_str mark = message(f, 3000 + (unsigned)i, DW_EVENT_GENERATION, contents[i]);
        assert_int_equal(add(f, (int64_t)i + 1, mark), DW_BATCH_ADDED);
        assert_int_equal(last(f)->outcome, DW_OUTCOME_CONTROL);
        assert_int_equal(f->batch.generation.reach, 0);
    }
}

static void test_a_schema_record_stops_the_batch_before_it(void **state)
{
    struct fixture *f = *state;
    struct dw_str schema = message(
        f, 3000, DW_EVENT_SCHEMA,
        "{\"map\":\"customers\",\"revision\":3,\"code\":\"DW-CAPTURE-031\",\"reason\":\"gone\"}");
    add(f, 0, event(f, 'c', 2000, row));
    assert_int_equal(add(f, 1, schema), DW_BATCH_SCHEMA);
    assert_int_equal(f->batch.count, 1);
    assert_string_equal(f->batch.stop_reason, "gone");
    f->passes = true;
    assert_int_equal(add(f, 1, schema), DW_BATCH_ADDED);
    assert_int_equal(last(f)->outcome, DW_OUTCOME_CONTROL);
    assert_int_equal(f->batch.version.commit_lsn, 2000); /* the row behind it may share 3000 */
    f->passes = false;
    f->batch.rules.revision = 4; /* applied anew since */
    assert_int_equal(add(f, 2, schema), DW_BATCH_ADDED);
}

static void test_a_truncate_waits_for_its_barrier(void **state)
{
    struct fixture *f = *state;
    struct dw_str truncate = event(f, 't', 3000, "\"before\":null,\"after\":null");
    assert_int_equal(add(f, 0, truncate), DW_BATCH_TRUNCATE);
    assert_int_equal(f->batch.stop_version.commit_lsn, 3000);
    assert_int_equal(f->batch.count, 0);
    f->batch.rules.has_released = true;
    f->batch.rules.released = (struct dw_version){1, 3000, 0};
    assert_int_equal(add(f, 0, truncate), DW_BATCH_ADDED);
    assert_int_equal(last(f)->outcome, DW_OUTCOME_APPLIED);
    assert_true(f->batch.truncated);
    assert_null(last(f)->change);
}

static struct dw_waiting_entry *wait_for(struct fixture *f, int64_t offset, struct dw_str value,
                                         const char *key)
{
    struct dw_waiting waiting = {.offset = offset,
                                 .record_key = DW_STR_LIT("{\"id\":1}"),
                                 .record_value = value,
                                 .key_text = dw_str_from(key)};
    return dw_waiting_add(&f->waiting, &waiting, 0);
}

static void test_a_waiting_key_comes_before_its_next_record(void **state)
{
    struct fixture *f = *state;
    struct dw_waiting_entry *first = wait_for(f, 3, event(f, 'c', 900, row), "[\"1\"]");
    wait_for(f, 5, event(f, 'u', 910, row), "[\"1\"]");
    wait_for(f, 6, event(f, 'u', 920, "\"before\":null,\"after\":{\"id\":2}"), "[\"2\"]");
    add(f, 10, event(f, 'd', 2000, "\"before\":{\"id\":9},\"after\":null"));
    assert_int_equal(f->batch.count, 1); /* another key */
    add(f, 11, event(f, 'd', 2001, "\"before\":{\"id\":1},\"after\":null"));
    assert_int_equal(f->batch.count, 4);
    assert_int_equal(f->batch.changes[1]->offset, 3);
    assert_int_equal(f->batch.changes[2]->offset, 5);
    assert_int_equal(f->batch.changes[3]->offset, 11);
    assert_true(f->batch.items[1]->entry == first);
    assert_int_equal(f->batch.new_count, 2);
    add(f, 12, event(f, 'u', 2002, row)); /* taken once only */
    assert_int_equal(f->batch.count, 5);
}

/* The later one of its key is in the target: taken as waiting, it would be written over it. */
static void test_what_was_superseded_does_not_wait_for_a_third(void **state)
{
    struct fixture *f = *state;
    struct dw_err err = DW_ERR_INIT;
    (void)dw_err_set(&err, DW_REJECT, "DW-APPLY-101", "no parent");
    add(f, 0, event(f, 'u', 2000, row));
    add(f, 1, event(f, 'u', 2001, row));
    add(f, 2, event(f, 'u', 2002, row));
    f->batch.changes[0]->outcome = DW_OUTCOME_SUPERSEDED;
    f->batch.changes[1]->outcome = DW_OUTCOME_APPLIED;
    f->batch.changes[2]->outcome = DW_OUTCOME_WAITING;
    f->batch.changes[2]->err = &err;
    f->batch.changes[2]->parent_table = DW_STR_LIT("parents");
    dw_batch_collect(&f->batch);
    assert_int_equal(f->batch.items[0]->outcome, DW_OUTCOME_SUPERSEDED);
    assert_int_equal(f->batch.items[1]->outcome, DW_OUTCOME_APPLIED);
    assert_int_equal(f->batch.items[2]->outcome, DW_OUTCOME_WAITING);
    assert_true(f->batch.items[2]->err == &err);
    struct dw_waiting waiting = dw_batch_waiting_row(f->batch.items[2], 55);
    assert_int_equal(waiting.since_us, 55);
    assert_true(dw_str_is(waiting.key_text, "[\"1\"]"));
    assert_true(dw_str_is(waiting.parent_table, "parents"));
    assert_int_equal(waiting.version.commit_lsn, 2002);
}

/* The rules again, with a filter and what leaving it does. */
static void use_filter(struct fixture *f, const char *on_exit)
{
    struct dw_map_problems problems = {.arena = &f->maps};
    struct dw_err err = DW_ERR_INIT;
    struct dw_map_resolved *resolved = DW_ARENA_NEW(&f->maps, struct dw_map_resolved);
    struct dw_transform *transform = NULL;
    const char *text = dw_arena_printf(
        &f->maps,
        "{\"map\":\"customers\",\"on_filter_exit\":%s,\"source\":{\"system\":\"erp\","
        "\"table\":\"public.cust\",\"key\":[\"id\"],\"filter\":\"10 div length(name) eq 2\"},"
        "\"target\":{\"system\":\"crm\",\"table\":\"public.accounts\",\"key\":[\"aid\"]},"
        "\"columns\":[{\"source\":\"name\",\"target\":\"title\"}]}",
        on_exit);
    f->rules.map = dw_table_map_parse(dw_str_from(text), "test", &f->maps, &problems);
    assert_non_null(f->rules.map);
    assert_int_equal(dw_map_resolved_parse(dw_str_from(resolved_text), &f->maps, resolved, &err),
                     DW_OK);
    assert_int_equal(dw_transform_new(&transform, f->rules.map, resolved, &f->maps, &err), DW_OK);
    f->rules.transform = transform;
    f->rules.source = &resolved->source;
    f->rules.topic = "dualwrite.customers";
    dw_batch_init(&f->batch, &f->arena, &f->rules, &f->progress, 1);
}

/* IN and OUT are names that match and do not; LESS is a row image without the column. */
#define IN   "{\"id\":1,\"name\":\"abcd\"}"
#define OUT  "{\"id\":1,\"name\":\"a\"}"
#define BAD  "{\"id\":1,\"name\":\"\"}"
#define LESS "{\"id\":1}"

static void assert_passage(struct fixture *f, char op, const char *before, const char *after,
                           char expected)
{
    static unsigned lsn = 3000;
    const char *members = dw_arena_printf(&f->arena, "\"before\":%s,\"after\":%s", before, after);
    assert_int_equal(add(f, lsn, event(f, op, lsn, members)), DW_BATCH_ADDED);
    lsn++;
    const struct dw_batch_item *item = last(f);
    const struct dw_change *change = item->change;
    char found = '-';
    if (item->outcome == DW_OUTCOME_DEAD)
        found = '!';
    else if (change && change->kind == DW_CHANGE_DELETE)
        found = change->exits ? 'x' : 'd';
    else if (change)
        found = change->replaces ? 'c' : 'u';
    else
        assert_int_equal(item->outcome, DW_OUTCOME_FILTERED);
    if (found != expected)
        fail_msg("%c %s -> %s: expected %c, found %c", op, before, after, expected, found);
}

static void test_rows_enter_and_leave_the_filter(void **state)
{
    struct fixture *f = *state;
    use_filter(f, "\"delete\"");
    assert_passage(f, 'c', "null", IN, 'c');
    assert_passage(f, 'c', "null", OUT, '-');
    assert_passage(f, 'r', "null", IN, 'c');
    assert_passage(f, 'r', "null", OUT, 'x'); /* it may be there from before */
    assert_passage(f, 'u', "null", IN, 'u');
    assert_passage(f, 'u', "null", OUT, 'x');
    assert_passage(f, 'u', IN, IN, 'u');
    assert_passage(f, 'u', OUT, IN, 'c');
    assert_passage(f, 'u', IN, OUT, 'x');
    assert_passage(f, 'u', OUT, OUT, '-');
    assert_passage(f, 'u', BAD, OUT, 'x'); /* what it was cannot be told */
    assert_passage(f, 'd', LESS, "null", 'd');
    assert_passage(f, 'd', IN, "null", 'd');
    assert_passage(f, 'd', OUT, "null", '-');
    assert_passage(f, 'u', OUT, BAD, '!');
    assert_string_equal(last(f)->err->id, "DW-EXPR-020");
    assert_int_equal(last(f)->stage, DW_DEAD_LETTER_TRANSFORMATION);
}

/* It was published before the filter named the column: it waits until its row was read again. */
static void test_an_event_without_the_filters_column_has_no_cells(void **state)
{
    struct fixture *f = *state;
    use_filter(f, "\"delete\"");
    assert_passage(f, 'u', "null", LESS, 'c');
    for (size_t i = 0; i < f->rules.map->column_count; i++)
        assert_int_equal(last(f)->change->cells[i].kind, DW_VALUE_ABSENT);
    assert_true(dw_str_is(last(f)->change->key_text, "[\"1\"]"));
    assert_passage(f, 'd', LESS, "null", 'd');
}

static void test_rows_that_stay_after_leaving(void **state)
{
    struct fixture *f = *state;
    use_filter(f, "\"keep\"");
    assert_passage(f, 'u', "null", OUT, '-');
    assert_passage(f, 'u', IN, OUT, '-');
    assert_passage(f, 'd', OUT, "null", 'd');
    use_filter(f, "{\"set\":\"state\",\"to\":2,\"live\":0}");
    assert_passage(f, 'u', IN, OUT, 'x');
    assert_passage(f, 'u', OUT, OUT, '-');
    assert_passage(f, 'd', OUT, "null", 'd');
}

/* An event that lacks the filter's column waits for its row: where leaving the filter does nothing,
 * nothing else would tell it that the row is outside. What waits for a parent was inside. */
static void test_a_row_read_again_outside_ends_what_waits_for_it(void **state)
{
    struct fixture *f = *state;
    struct dw_err err = DW_ERR_INIT;
    (void)dw_err_set(&err, DW_REJECT, "DW-APPLY-016", "waits behind an earlier event of its key");
    use_filter(f, "\"keep\"");
    wait_for(f, 3, event(f, 'u', 900, "\"before\":null,\"after\":" LESS), "[\"1\"]");
    wait_for(f, 4, event(f, 'u', 901, "\"before\":null,\"after\":" IN), "[\"1\"]");
    wait_for(f, 5, event(f, 'u', 902, "\"before\":null,\"after\":{\"id\":2}"), "[\"2\"]");
    assert_passage(f, 'u', "null", OUT, '-');
    assert_int_equal(f->batch.count, 1); /* an event in order: they are older */
    assert_passage(f, 'r', "null", OUT, '-');
    assert_int_equal(f->batch.count, 4);
    for (size_t i = 1; i < 3; i++) {
        f->batch.items[i]->change->outcome = DW_OUTCOME_WAITING;
        f->batch.items[i]->change->err = &err;
    }
    dw_batch_collect(&f->batch);
    assert_int_equal(f->batch.items[1]->outcome, DW_OUTCOME_FILTERED);
    assert_int_equal(f->batch.items[2]->outcome, DW_OUTCOME_WAITING);
    assert_int_equal(f->batch.items[3]->outcome, DW_OUTCOME_FILTERED);
}

/* ---- dead letters that come back ---- */

static struct dw_str replay(struct fixture *f, const char *topic, int64_t attempt,
                            struct dw_str event)
{
    struct dw_buf value;
    const struct dw_replay item = {.topic = dw_str_from(topic),
                                   .partition = 0,
                                   .offset = 5,
                                   .incarnation = DW_STR_LIT("i"),
                                   .attempt = attempt,
                                   .by = DW_STR_LIT("who"),
                                   .event = event};
    dw_buf_init(&value, 65536);
    dw_replay_encode(&value, &item, "erp", 1);
    struct dw_str copy = dw_arena_copy(&f->arena, dw_buf_str(&value));
    dw_buf_done(&value);
    return copy;
}

static enum dw_batch_add add_key(struct fixture *f, int64_t offset, const char *key,
                                 struct dw_str value)
{
    struct dw_feed_record record = {offset, dw_str_from(key), value};
    return dw_batch_add_record(&f->batch, &record);
}

/* The letter's version is older than the partition's, which it leaves alone. */
static void test_a_replay_is_no_duplicate_and_leaves_the_version(void **state)
{
    struct fixture *f = *state;
    struct dw_str value = replay(f, "dualwrite.customers", 2, event(f, 'u', 900, row));
    assert_int_equal(add(f, 0, value), DW_BATCH_ADDED);
    assert_non_null(last(f)->replay);
    assert_int_equal(last(f)->replay->attempt, 2);
    assert_int_equal(last(f)->change->version.commit_lsn, 900);
    assert_int_equal(last(f)->version.commit_lsn, 900);
    assert_int_equal(f->batch.version.commit_lsn, 1000);
}

static void test_replays_are_batches_of_their_own_each_key_once(void **state)
{
    struct fixture *f = *state;
    struct dw_str value = replay(f, "dualwrite.customers", 2, event(f, 'u', 900, row));
    assert_int_equal(add(f, 0, event(f, 'c', 2000, row)), DW_BATCH_ADDED);
    assert_int_equal(add(f, 1, value), DW_BATCH_REPLAY);
    assert_int_equal(f->batch.count, 1);
    dw_batch_init(&f->batch, &f->arena, &f->rules, &f->progress, 2);
    assert_int_equal(add_key(f, 1, "{\"id\":1}", value), DW_BATCH_ADDED);
    assert_int_equal(add_key(f, 2, "{\"id\":1}", value), DW_BATCH_REPLAY);
    assert_int_equal(add_key(f, 2, "{\"id\":2}", value), DW_BATCH_ADDED);
    assert_int_equal(add(f, 3, message(f, 3000, DW_EVENT_HEARTBEAT, "{\"sent_us\":1}")),
                     DW_BATCH_ADDED);
    assert_int_equal(add(f, 4, event(f, 'c', 4000, row)), DW_BATCH_REPLAY);
    assert_int_equal(f->batch.replay_count, 2);
}

static void test_a_replay_by_an_older_count_of_partitions_is_elsewhere(void **state)
{
    struct fixture *f = *state;
    struct dw_str value = replay(f, "dualwrite.customers", 2, event(f, 'u', 900, row));
    unsigned elsewhere = 0;
    assert_int_equal(add(f, 0, value), DW_BATCH_ADDED);
    assert_false(last(f)->elsewhere); /* no generation was passed */
    f->rules.partitions = 3;
    for (f->rules.partition = 0; f->rules.partition < 3; f->rules.partition++) {
        dw_batch_init(&f->batch, &f->arena, &f->rules, &f->progress, 2);
        assert_int_equal(add(f, 0, value), DW_BATCH_ADDED);
        elsewhere += last(f)->elsewhere;
    }
    assert_int_equal(elsewhere, 2);
}

static void test_a_replay_that_means_nothing_here_is_passed_over(void **state)
{
    struct fixture *f = *state;
    add(f, 0, replay(f, "dualwrite.others", 2, event(f, 'u', 900, row)));
    assert_int_equal(last(f)->outcome, DW_OUTCOME_FILTERED);
    assert_null(last(f)->replay);
    add(f, 1, message(f, 2000, DW_EVENT_REPLAY, "{\"topic\":1}"));
    assert_int_equal(last(f)->outcome, DW_OUTCOME_FILTERED);
    add(f, 2, replay(f, "dualwrite.customers", 2, event(f, 't', 900, row)));
    assert_int_equal(last(f)->outcome, DW_OUTCOME_DEAD);
    assert_string_equal(last(f)->err->id, "DW-APPLY-211");
}

static void test_a_replay_waits_behind_what_waits_under_its_key(void **state)
{
    struct fixture *f = *state;
    struct dw_str value = replay(f, "dualwrite.customers", 2, event(f, 'u', 900, row));
    struct dw_waiting_entry *first = wait_for(f, 0, event(f, 'u', 950, row), "[\"1\"]");
    assert_int_equal(add(f, 3, value), DW_BATCH_ADDED);
    assert_int_equal(f->batch.count, 1);
    assert_int_equal(f->batch.change_count, 0);
    dw_batch_collect(&f->batch);
    assert_int_equal(last(f)->outcome, DW_OUTCOME_WAITING);
    (void)wait_for(f, 3, value, "[\"1\"]");
    (void)wait_for(f, 4, event(f, 'u', 2000, row), "[\"1\"]");
    dw_batch_init(&f->batch, &f->arena, &f->rules, &f->progress, 2);
    dw_batch_add_waiting(&f->batch, first->key);
    assert_int_equal(f->batch.count, 3);
    assert_int_equal(f->batch.change_count, 2); /* all but the replay */
    dw_waiting_remove(&f->waiting, first);
    dw_batch_init(&f->batch, &f->arena, &f->rules, &f->progress, 3);
    dw_batch_add_waiting(&f->batch, dw_waiting_find(&f->waiting, DW_STR_LIT("[\"1\"]")));
    assert_int_equal(f->batch.change_count, 2); /* now it is the first */
    assert_non_null(f->batch.items[0]->replay);
    assert_int_equal(f->batch.changes[0]->version.commit_lsn, 900);
}

/* The event as a question of comparison 7. */
static struct dw_str question(struct fixture *f, char op, unsigned lsn, const char *members)
{
    return dw_str_from(dw_arena_printf(
        &f->arena,
        "{\"op\":\"%c\",\"source\":{\"name\":\"erp\",\"lsn\":%u,\"epoch\":1,\"ordinal\":0,"
        "\"verify\":7},%s}",
        op, lsn, members));
}

static void test_a_question_is_answered_and_not_applied(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(add(f, 0, question(f, 'r', 2000, row)), DW_BATCH_ADDED);
    struct dw_batch_item *item = last(f);
    assert_true(f->batch.verifying);
    assert_int_equal(item->outcome, DW_OUTCOME_CONTROL);
    assert_ptr_equal(item->change->verdict, item->question);
    assert_int_equal(item->question->run, 7);
    assert_int_equal(item->question->version.commit_lsn, 2000);
    assert_true(dw_str_is(item->question->source_key, "[\"1\"]"));
    assert_true(dw_str_is(item->question->target_key, "[\"1\"]"));
    item->change->outcome = DW_OUTCOME_APPLIED;
    dw_batch_collect(&f->batch);
    assert_int_equal(item->outcome, DW_OUTCOME_CONTROL);
    assert_int_equal(add(f, 1, question(f, 'd', 2001, "\"before\":{\"id\":2},\"after\":null")),
                     DW_BATCH_ADDED);
    assert_int_equal(last(f)->change->kind, DW_CHANGE_DELETE);
    assert_int_equal(f->batch.verdict_count, 2);
}

static void test_questions_and_changes_do_not_mix(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(add(f, 0, event(f, 'u', 2000, row)), DW_BATCH_ADDED);
    assert_int_equal(add(f, 1, question(f, 'r', 2001, row)), DW_BATCH_VERIFY);
    assert_int_equal(f->batch.count, 1);
    assert_int_equal(f->batch.version.commit_lsn, 2000); /* it comes again */
    dw_batch_init(&f->batch, &f->arena, &f->rules, &f->progress, 2);
    assert_int_equal(add(f, 1, question(f, 'r', 2001, row)), DW_BATCH_ADDED);
    assert_int_equal(add(f, 2, event(f, 'u', 2002, row)), DW_BATCH_VERIFY);
    assert_int_equal(f->batch.count, 1);
}

static void test_a_question_about_what_cannot_be_written_has_its_cause(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(
        add(f, 0, question(f, 'r', 2000, "\"before\":null,\"after\":{\"id\":1,\"name\":{}}")),
        DW_BATCH_ADDED);
    const struct dw_batch_item *item = last(f);
    assert_int_equal(item->outcome, DW_OUTCOME_CONTROL);
    assert_non_null(item->change); /* whether the target has the row is still asked */
    assert_null(item->change->cells);
    assert_true(item->question->code.len > 0);
    assert_int_equal(item->question->kind, DW_VERDICT_MISSING);
    assert_int_equal(add(f, 1, question(f, 'r', 2001, "\"before\":{\"id\":1},\"after\":null")),
                     DW_BATCH_ADDED);
    assert_null(last(f)->change);
    assert_int_equal(last(f)->question->kind, DW_VERDICT_UNKNOWN);
}

static void test_many_records_keep_their_places(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 3000; i++)
        assert_int_equal(add(f, i, event(f, 'u', 2000 + i, row)), DW_BATCH_ADDED);
    assert_int_equal(f->batch.count, 3000);
    assert_int_equal(f->batch.change_count, 3000);
    for (unsigned i = 0; i < 3000; i++)
        assert_int_equal(f->batch.changes[i]->offset, i);
    assert_int_equal(f->batch.tail.offset, 2999);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_create_becomes_a_replacing_upsert),
        CASE(test_a_record_of_another_system_dies_and_leaves_the_version),
        CASE(test_a_delete_takes_the_key_of_before),
        CASE(test_what_is_not_newer_is_a_duplicate),
        CASE(test_a_foreign_event_goes_by_its_offset),
        CASE(test_poison_dies_with_its_bytes),
        CASE(test_a_tombstone_is_filtered),
        CASE(test_a_heartbeat_moves_freshness_and_version),
        CASE(test_a_marker_is_a_batch_of_its_own),
        CASE(test_a_marker_of_what_is_in_force_changes_nothing),
        CASE(test_a_mark_of_a_generation_is_taken_once),
        CASE(test_a_malformed_mark_holds_nobody_up),
        CASE(test_a_record_of_another_table_is_dead),
        CASE(test_a_schema_record_stops_the_batch_before_it),
        CASE(test_a_truncate_waits_for_its_barrier),
        CASE(test_a_waiting_key_comes_before_its_next_record),
        CASE(test_what_was_superseded_does_not_wait_for_a_third),
        CASE(test_rows_enter_and_leave_the_filter),
        CASE(test_an_event_without_the_filters_column_has_no_cells),
        CASE(test_rows_that_stay_after_leaving),
        CASE(test_a_row_read_again_outside_ends_what_waits_for_it),
        CASE(test_a_replay_is_no_duplicate_and_leaves_the_version),
        CASE(test_replays_are_batches_of_their_own_each_key_once),
        CASE(test_a_replay_by_an_older_count_of_partitions_is_elsewhere),
        CASE(test_a_replay_that_means_nothing_here_is_passed_over),
        CASE(test_a_replay_waits_behind_what_waits_under_its_key),
        CASE(test_a_question_is_answered_and_not_applied),
        CASE(test_questions_and_changes_do_not_mix),
        CASE(test_a_question_about_what_cannot_be_written_has_its_cause),
        CASE(test_many_records_keep_their_places),
    };
    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
