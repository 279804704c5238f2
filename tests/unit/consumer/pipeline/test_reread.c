/* test_reread.c - requests for rows, and when nobody has to remember them any more. */
#include "consumer/pipeline/reread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the four above first */
#include <cmocka.h>

static uint64_t want(struct dw_reread *reread, const char *map, const char *key)
{
    struct dw_str text = dw_str_from(key);
    return dw_reread_want(reread, map, &text, 1);
}

/* Takes the requests of one map; "map keys". */
static const char *take(struct dw_reread *reread, size_t limit)
{
    static char text[200];
    struct dw_buf keys;
    dw_buf_init(&keys, 1000);
    char *map = dw_reread_take(reread, limit, &keys);
    (void)snprintf(text, sizeof text, "%s %.*s", map ? map : "none", (int)keys.len,
                   keys.len ? keys.data : "");
    free(map);
    dw_buf_done(&keys);
    return text;
}

static void test_request_is_stored_when_its_own_keys_were(void **state)
{
    (void)state;
    struct dw_reread reread;
    dw_reread_init(&reread);
    assert_false(dw_reread_is_stored(&reread, 0));
    uint64_t a = want(&reread, "m", "a");
    uint64_t b = want(&reread, "other", "b");
    uint64_t c = want(&reread, "m", "c");
    assert_string_equal(take(&reread, 10), "m [[\"c\"],[\"a\"]]");
    assert_false(dw_reread_is_stored(&reread, a));
    dw_reread_settle(&reread, DW_REREAD_STORED);
    assert_true(dw_reread_is_stored(&reread, a));
    assert_false(dw_reread_is_stored(&reread, b));
    assert_false(dw_reread_is_stored(&reread, c)); /* known once all before it are */
    assert_string_equal(take(&reread, 10), "other [[\"b\"]]");
    dw_reread_settle(&reread, DW_REREAD_STORED);
    assert_true(dw_reread_is_stored(&reread, b));
    assert_true(dw_reread_is_stored(&reread, c));
    assert_false(dw_reread_is_stored(&reread, want(&reread, "m", "d")));
    assert_string_equal(take(&reread, 10), "m [[\"d\"]]");
    dw_reread_done(&reread); /* frees those that were taken too */
}

static void test_request_that_was_not_stored_is_taken_again(void **state)
{
    (void)state;
    struct dw_reread reread;
    dw_reread_init(&reread);
    uint64_t a = want(&reread, "m", "a");
    assert_string_equal(take(&reread, 10), "m [[\"a\"]]");
    dw_reread_settle(&reread, DW_REREAD_AGAIN);
    assert_false(dw_reread_is_stored(&reread, a));
    assert_string_equal(take(&reread, 10), "m [[\"a\"]]");
    dw_reread_settle(&reread, DW_REREAD_STORED);
    assert_true(dw_reread_is_stored(&reread, a));
    assert_string_equal(take(&reread, 10), "none ");
    dw_reread_done(&reread);
}

static void test_lost_request_is_never_stored(void **state)
{
    (void)state;
    struct dw_reread reread;
    dw_reread_init(&reread);
    uint64_t a = want(&reread, "m", "a");
    uint64_t b = want(&reread, "m", "b");
    assert_string_equal(take(&reread, 1), "m [[\"b\"]]");
    dw_reread_settle(&reread, DW_REREAD_LOST);
    (void)take(&reread, 1);
    dw_reread_settle(&reread, DW_REREAD_STORED);
    assert_false(dw_reread_is_stored(&reread, a)); /* not known of those before a lost one */
    assert_false(dw_reread_is_stored(&reread, b));
    uint64_t c = want(&reread, "m", "c");
    (void)take(&reread, 1);
    dw_reread_settle(&reread, DW_REREAD_STORED);
    assert_true(dw_reread_is_stored(&reread, c));
    dw_reread_done(&reread);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_is_stored_when_its_own_keys_were),
        cmocka_unit_test(test_request_that_was_not_stored_is_taken_again),
        cmocka_unit_test(test_lost_request_is_never_stored),
    };
    return cmocka_run_group_tests_name("reread", tests, NULL, NULL);
}
