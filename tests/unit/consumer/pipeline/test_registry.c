/* test_registry.c - what counts as a change of the maps. */
#include "consumer/pipeline/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define DOCUMENT(name)                                                                             \
    "{\"map\":\"" name                                                                             \
    "\",\"version\":\"1.0.0\",\"direction\":\"forward\",\"source\":{\"system\":"                   \
    "\"erp\",\"table\":\"public.t\",\"key\":[\"id\"]},\"target\":{\"system\":\"crm\",\"table\":"   \
    "\"public." name "\",\"key\":[\"id\"]},\"columns\":[{\"source\":\"id\",\"target\":\"id\"}]}"

static struct dw_map_record record_of(const char *name, const char *document)
{
    return (struct dw_map_record){
        .name = name,
        .revision = 1,
        .change = 1,
        .state = DW_MAP_RUNNING,
        .document = document,
        .resolved = "{}",
        .code = "",
        .reason = "",
        .source_system = "erp",
        .target_system = "crm",
        .topic = name,
        .partitions = 4,
        .generations = "[]",
    };
}

static void test_reading_the_same_maps_again_is_no_news(void **state)
{
    (void)state;
    static const struct dw_settings settings = {0};
    struct dw_registry *registry = dw_registry_new(&settings);
    const struct dw_map_record records[] = {record_of("a", DOCUMENT("a")),
                                            record_of("b", DOCUMENT("b"))};
    assert_int_equal(dw_registry_generation(registry), 0);
    dw_registry_update(registry, records, COUNT(records));
    uint64_t generation = dw_registry_generation(registry);
    assert_true(generation > 0);
    dw_registry_update(registry, records, COUNT(records));
    assert_int_equal(dw_registry_generation(registry), generation);
    dw_registry_free(registry);
}

static void test_that_there_are_no_maps_is_news_once(void **state)
{
    (void)state;
    static const struct dw_settings settings = {0};
    struct dw_registry *registry = dw_registry_new(&settings);
    dw_registry_update(registry, NULL, 0);
    assert_int_equal(dw_registry_generation(registry), 1);
    dw_registry_update(registry, NULL, 0);
    assert_int_equal(dw_registry_generation(registry), 1);
    dw_registry_free(registry);
}

/* Updates with `records` after the two maps as they are; true when that was news. */
static bool is_news(const struct dw_map_record *records, size_t count)
{
    static const struct dw_settings settings = {0};
    struct dw_registry *registry = dw_registry_new(&settings);
    const struct dw_map_record before[] = {record_of("a", DOCUMENT("a")),
                                           record_of("b", DOCUMENT("b"))};
    dw_registry_update(registry, before, COUNT(before));
    uint64_t generation = dw_registry_generation(registry);
    dw_registry_update(registry, records, count);
    bool news = dw_registry_generation(registry) != generation;
    dw_registry_free(registry);
    return news;
}

static void test_every_change_is_news(void **state)
{
    (void)state;
    struct dw_map_record records[] = {record_of("a", DOCUMENT("a")), record_of("b", DOCUMENT("b")),
                                      record_of("c", DOCUMENT("c"))};
    assert_true(is_news(records, 3));
    assert_true(is_news(records, 1));
    assert_true(is_news(records + 1, 2));
    assert_true(is_news(NULL, 0));
    records[1].partitions = 8;
    assert_true(is_news(records, 2));
    records[1] = record_of("b", DOCUMENT("b"));
    records[1].state = DW_MAP_PAUSED;
    records[1].change = 2;
    assert_true(is_news(records, 2));
    records[1] = record_of("b", DOCUMENT("b"));
    records[1].forced_revision = 1;
    assert_true(is_news(records, 2));
    records[1] = record_of("b", DOCUMENT("b"));
    records[1].state = DW_MAP_STOPPED;
    records[1].change = 2;
    assert_true(is_news(records, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading_the_same_maps_again_is_no_news),
        cmocka_unit_test(test_that_there_are_no_maps_is_news_once),
        cmocka_unit_test(test_every_change_is_news),
    };
    return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
