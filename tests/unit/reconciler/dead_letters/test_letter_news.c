/* test_letter_news.c - what becomes of a letter in flight, as its held row stands. */
#include "reconciler/dead_letters/letter_news.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#define UNDER_WAY (-1)

static void test_each_flight_with_each_held_row(void **state)
{
    (void)state;
    static const struct {
        struct dw_letter_flight flight;
        struct dw_letter_held held; /* exists, ended, wants_row, attempts, passed */
        int state;                  /* or UNDER_WAY */
    } cases[] = {
        {{.attempt = 2}, {true, false, false, 1, false}, UNDER_WAY},
        {{.attempt = 2}, {true, true, false, 2, false}, UNDER_WAY},      /* the news have it */
        {{.attempt = 2}, {true, false, false, 1, true}, DW_LETTER_OPEN}, /* lost with its topic */
        {{.attempt = 2}, {true, true, false, 1, true}, UNDER_WAY},
        {{.attempt = 2, .sync = 5}, {true, false, false, 1, true}, UNDER_WAY},
        {{.attempt = 2}, {true, false, true, 2, false}, UNDER_WAY},
        {{.attempt = 2}, {true, false, false, 2, false}, DW_LETTER_OPEN}, /* failed again */
        {{.attempt = 2}, {true, false, false, 3, false}, DW_LETTER_OPEN},
        {{.attempt = 2}, {false, false, false, 0, false}, DW_LETTER_UNCONFIRMED},
        {{.attempt = 2, .sync = 5}, {true, false, false, 2, false}, UNDER_WAY},
        {{.attempt = 2, .sync = 5}, {false, false, false, 0, false}, UNDER_WAY},
        {{.sync = 5, .sync_over = true, .sync_done = true},
         {true, false, false, 1, false},
         DW_LETTER_OPEN},
        {{.sync = 5, .sync_over = true, .sync_done = true},
         {false, false, false, 0, false},
         DW_LETTER_SUPERSEDED},
        {{.sync = 5, .sync_over = true}, {false, false, false, 0, false}, DW_LETTER_OPEN},
        {{.sync = 5, .sync_over = true}, {true, false, false, 1, false}, DW_LETTER_OPEN},
        {{.sync = 5, .sync_over = true, .sync_done = true},
         {true, true, false, 1, false},
         UNDER_WAY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dw_letter_landing landing;
        bool landed = dw_letter_news_judge(&cases[i].flight, &cases[i].held, &landing);
        assert_int_equal(landed ? (int)landing.state : UNDER_WAY, cases[i].state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_flight_with_each_held_row),
    };
    return cmocka_run_group_tests_name("letter_news", tests, NULL, NULL);
}
