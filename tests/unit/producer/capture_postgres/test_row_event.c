/* From rows to events: ordinals, partitions, schema changes, what a broken producer sends again. */
#include "producer/capture_postgres/row_event.h"
#include <stdlib.h>

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#define PARTITIONS 16

struct fixture {
    struct dw_settings settings;
    struct dw_system_settings system;
    struct dw_publisher publisher;
    struct dw_row_event row_event;
    struct dw_str columns[3];
    struct dw_table_map map;
};

static const struct dw_pgoutput_column relation_columns[] = {
    {.is_key = true, .name = {"id", 2}, .type_oid = 1700, .typmod = -1},
    {.name = {"note", 4}, .type_oid = 25, .typmod = -1},
};

static struct dw_map_set *make_set(struct fixture *f)
{
    struct dw_map_set *set = DW_MEM_NEW(struct dw_map_set);
    dw_arena_init(&set->arena, 4096);
    f->columns[0] = DW_STR_LIT("id");
    f->columns[1] = DW_STR_LIT("note");
    f->map.source.schema = DW_STR_LIT("public");
    f->map.source.table = DW_STR_LIT("item");
    f->map.source.key = f->columns;
    f->map.source.key_count = 1;
    f->map.target.system = DW_STR_LIT("crm");
    set->count = 1;
    set->maps = DW_ARENA_ARRAY(&set->arena, struct dw_capture_map, 1);
    set->maps[0] = (struct dw_capture_map){
        .record = {.name = "items",
                   .revision = 1,
                   .change = 1,
                   .code = "",
                   .reason = "",
                   .topic = "dualwrite.items",
                   .partitions = PARTITIONS},
        .map = &f->map,
        .columns = f->columns,
        .column_count = 2,
        .table_json = DW_STR_LIT("\"schema\":\"public\",\"table\":\"item\","),
    };
    return set;
}

static int setup(void **state)
{
    struct fixture *f = DW_MEM_NEW(struct fixture);
    f->settings.kafka.message_max_bytes = 1 << 20;
    f->system.name = "erp";
    dw_publisher_init(&f->publisher, &f->settings, &f->system, "test");
    dw_row_event_init(&f->row_event, &f->publisher, NULL);
    struct dw_map_set *set = make_set(f);
    dw_relation_set_maps(&f->row_event.relations, set);
    static const struct dw_version place = {.epoch = 1};
    dw_publisher_set_maps(&f->publisher, set, &place);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    dw_row_event_done(&f->row_event);
    dw_publisher_done(&f->publisher);
    free(f);
    return 0;
}

static void describe(struct fixture *f, size_t column_count)
{
    struct dw_pgoutput_message message = {.kind = DW_PGOUTPUT_RELATION,
                                          .oid = 20000,
                                          .schema = DW_STR_LIT("public"),
                                          .name = DW_STR_LIT("item"),
                                          .replica_identity = 'd',
                                          .column_count = column_count,
                                          .columns = relation_columns};
    dw_relation_add(&f->row_event.relations, &message);
}

static void begin(struct fixture *f)
{
    struct dw_pgoutput_message message = {
        .kind = DW_PGOUTPUT_BEGIN, .commit_lsn = 1000, .xid = 7, .commit_us = 1};
    f->publisher.sequence = dw_commit_window_begin(&f->publisher.window);
    dw_row_event_begin(&f->row_event, &message, 1, DW_STR_LIT("erp"));
}

static struct dw_pgoutput_value text(const char *value)
{
    if (!value)
        return (struct dw_pgoutput_value){.presence = DW_PGOUTPUT_NULL};
    return (struct dw_pgoutput_value){.presence = DW_PGOUTPUT_TEXT, .text = dw_str_from(value)};
}

/* A row with the two columns, or one where only `id` is left; `old_id`: an update of the key. */
static void add_row(struct fixture *f, const char *old_id, const char *id, size_t column_count)
{
    struct dw_err err = DW_ERR_INIT;
    struct dw_pgoutput_value old[] = {text(old_id), text(NULL)};
    struct dw_pgoutput_value row[] = {text(id), text("n")};
    struct dw_pgoutput_message message = {
        .kind = old_id ? DW_PGOUTPUT_UPDATE : DW_PGOUTPUT_INSERT,
        .oid = 20000,
        .row = {.kind = 'N', .count = column_count, .values = row},
    };
    if (old_id)
        message.old = (struct dw_pgoutput_tuple){.kind = 'K', .count = column_count, .values = old};
    assert_int_equal(dw_row_event_add(&f->row_event, &message, &err), DW_OK);
}

static struct dw_str value_of(const struct fixture *f, size_t index)
{
    const struct dw_publisher_event *event = &f->publisher.batch[index];
    return (struct dw_str){f->publisher.text.data + event->value_at, event->value_len};
}

static bool contains(struct dw_str value, const char *what)
{
    return memmem(value.ptr, value.len, what, strlen(what)) != NULL;
}

static void test_ordinals_do_not_depend_on_what_a_row_becomes(void **state)
{
    struct fixture *f = *state;
    describe(f, 2);
    begin(f);
    add_row(f, NULL, "1", 2);
    add_row(f, "1", "2", 2);
    add_row(f, NULL, "3", 2);
    assert_int_equal(f->publisher.batch_count, 4);
    static const char *const expected[] = {"\"ordinal\":1}", "\"ordinal\":4}", "\"ordinal\":5}",
                                           "\"ordinal\":7}"};
    static const char *const ops[] = {"\"op\":\"c\"", "\"op\":\"d\"", "\"op\":\"c\"",
                                      "\"op\":\"c\""};
    for (size_t i = 0; i < 4; i++) {
        assert_true(contains(value_of(f, i), expected[i]));
        assert_true(contains(value_of(f, i), ops[i]));
    }
}

/* Numeric 3 and 3.00 are one row of the target: in two partitions the delete of the one could come
 * behind the create of the other. */
static void test_ways_of_writing_a_key_share_a_partition(void **state)
{
    struct fixture *f = *state;
    static const char *const groups[][4] = {
        {"3", "3.0", "3.00", "3.000000"},
        {"-0.5", "-0.50", "-0.500", "-0.5000"},
        {"0", "0.0", "0.00", "0.000"},
        {"100", "100.0", "100.00", "100.000"},
    };
    describe(f, 2);
    begin(f);
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 4; j++)
            add_row(f, NULL, groups[i][j], 2);
        for (size_t j = 1; j < 4; j++)
            assert_int_equal(f->publisher.batch[i * 4].partition,
                             f->publisher.batch[i * 4 + j].partition);
    }
    /* The key itself keeps its text. */
    const struct dw_publisher_event *event = &f->publisher.batch[2];
    struct dw_str key = {f->publisher.text.data + event->key_at, event->key_len};
    assert_true(dw_str_is(key, "{\"id\":\"3.00\"}"));
    int32_t least = PARTITIONS;
    int32_t most = 0;
    for (size_t i = 0; i < f->publisher.batch_count; i++) {
        least = f->publisher.batch[i].partition < least ? f->publisher.batch[i].partition : least;
        most = f->publisher.batch[i].partition > most ? f->publisher.batch[i].partition : most;
    }
    assert_true(least < most);
}

static size_t schema_records(const struct fixture *f)
{
    size_t count = 0;
    for (size_t i = 0; i < f->publisher.batch_count; i++)
        count += contains(value_of(f, i), DW_EVENT_SCHEMA);
    return count;
}

static void test_a_schema_change_is_sent_again_with_its_transaction(void **state)
{
    struct fixture *f = *state;
    describe(f, 1); /* the mapped column "note" is gone */
    begin(f);
    add_row(f, NULL, "1", 1);
    add_row(f, NULL, "2", 1);
    assert_int_equal(schema_records(f), PARTITIONS); /* once, to each partition */
    assert_non_null(f->row_event.notices);
    /* The producer breaks before anything is acknowledged. */
    dw_row_event_end(&f->row_event);
    dw_row_event_restart(&f->row_event);
    dw_publisher_close(&f->publisher);
    assert_null(f->row_event.notices); /* the state database hears of it when Kafka has it */
    begin(f);
    add_row(f, NULL, "1", 1);
    assert_int_equal(schema_records(f), PARTITIONS);
    assert_non_null(f->row_event.notices);
}

static void test_an_acknowledged_schema_change_is_not_sent_again(void **state)
{
    struct fixture *f = *state;
    struct dw_commit commit = {.commit_lsn = 1000, .end_lsn = 1001};
    describe(f, 1);
    begin(f);
    add_row(f, NULL, "1", 1);
    dw_commit_window_acknowledge(&f->publisher.window, f->publisher.sequence, PARTITIONS + 1);
    dw_commit_window_commit(&f->publisher.window, &commit);
    dw_row_event_restart(&f->row_event);
    dw_publisher_close(&f->publisher);
    assert_non_null(f->row_event.notices);
    begin(f);
    add_row(f, NULL, "2", 1);
    assert_int_equal(schema_records(f), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ordinals_do_not_depend_on_what_a_row_becomes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_ways_of_writing_a_key_share_a_partition, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_schema_change_is_sent_again_with_its_transaction,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_acknowledged_schema_change_is_not_sent_again, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
