/* test_nearest.c - "did you mean". */
#include "common/config/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka.h needs the headers above
#include <cmocka.h>

static const char *const names[] = {"brokers", "topic_prefix", "group", "partitions"};

static const char *near(const char *wanted)
{
    return dw_nearest_of(dw_str_from(wanted), names, sizeof names / sizeof *names);
}

static void test_misspelt_names_find_theirs(void **state)
{
    (void)state;
    assert_string_equal(near("broker"), "brokers");
    assert_string_equal(near("borkers"), "brokers");
    assert_string_equal(near("Topic-Prefix"), "topic_prefix");
    assert_string_equal(near("goup"), "group");
    assert_string_equal(near("gorup"), "group"); /* a swap is one change */
}

static void test_other_words_find_nothing(void **state)
{
    (void)state;
    char endless[1000];
    memset(endless, 'a', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_null(near("x"));
    assert_null(near(""));
    assert_null(near("retention"));
    assert_null(near(endless));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_misspelt_names_find_theirs),
        cmocka_unit_test(test_other_words_find_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
