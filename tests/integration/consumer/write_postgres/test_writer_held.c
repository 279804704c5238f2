/* test_writer_held.c - held rows as the memory of their keys: what later events and replays leave
 * in them (traps 23 and 24). */
#include "writer_rig.h"

#define OF "topic = 'w_held' AND record_offset = "

static struct rig *new_rig(void)
{
    struct rig *rig = rig_new("w_held", "CREATE TABLE item (id int PRIMARY KEY, a int, b int)");
    if (!rig)
        skip();
    rig_map(rig, "item", "id a b", 1);
    rig_open(rig);
    rig_exec(rig, "DELETE FROM dualwrite.held_end WHERE topic = 'w_held'");
    return rig;
}

static struct dw_held_key key_of(const char *text)
{
    return (struct dw_held_key){dw_str_from(text), strlen(text)}; /* all hashes alike */
}

/* Commits an empty batch with the news. */
static void note(struct rig *rig, const struct dw_held_news *news)
{
    struct dw_progress next = rig->progress;
    next.exists = true;
    next.next_offset++;
    next.counts[DW_OUTCOME_CONTROL]++;
    struct dw_writer_commit commit = {.progress = &next, .held = *news};
    assert_int_equal(dw_writer_begin(rig->writer, &rig->id, &rig->progress, &rig->err), DW_OK);
    if (dw_writer_commit(rig->writer, &rig->id, &commit, &rig->err) != DW_OK)
        fail_msg("%s", rig->err.message);
    rig->progress = next;
}

static const uint64_t b_column[] = {UINT64_C(0xbbbbbbbbbbbbbbbb)};
static const uint64_t both_columns[] = {1, UINT64_C(0xbbbbbbbbbbbbbbbb)};

/* Letters of keys "1" and "2" at offsets 1 and 2, of version 1/100/offset; that of "2" lacks b. */
static void hold(struct rig *rig)
{
    const struct dw_held letters[] = {
        {1, DW_STR_LIT("[\"1\"]"), key_of("1"), {NULL, 0}, {1, 100, 1}, "DW-APPLY-012"},
        {2, DW_STR_LIT("[\"2\"]"), key_of("2"), {b_column, 1}, {1, 100, 2}, "DW-APPLY-012"},
    };
    note(rig, &(struct dw_held_news){.letters = letters, .letter_count = 2});
}

static void touch(struct rig *rig, const struct dw_held_touch *touches, size_t count)
{
    note(rig, &(struct dw_held_news){.touches = touches, .touch_count = count});
}

static const char *held(struct rig *rig, int offset)
{
    return rig_text(rig, dw_arena_printf(&rig->arena,
                                         "SELECT coalesce(outcome, 'held') || coalesce(' '"
                                         " || later_epoch || '/' || later_lsn || '/'"
                                         " || later_ordinal || CASE WHEN later_gone THEN ' gone'"
                                         " ELSE '' END, '') FROM dualwrite.held"
                                         " WHERE topic = 'w_held' AND record_offset = %d",
                                         offset));
}

static const char *ends(struct rig *rig)
{
    return rig_text(rig, "SELECT applied || ' ' || superseded || ' ' || filtered || ' ' ||"
                         " discarded FROM dualwrite.held_end WHERE topic = 'w_held'");
}

static void test_a_whole_event_or_a_delete_supersedes(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    hold(rig);
    const struct dw_held_touch touches[] = {
        {.key = key_of("1"), .version = {1, 200, 0}, .offset = 5},
        {.key = key_of("2"), .version = {1, 200, 1}, .offset = 6, .gone = true},
        {.key = key_of("3"), .version = {1, 200, 2}, .offset = 7},
    };
    touch(rig, touches, 3);
    assert_string_equal(held(rig, 1), "superseded 1/0/C8/0");
    assert_string_equal(held(rig, 2), "superseded 1/0/C8/1 gone");
    assert_string_equal(ends(rig), "0 2 0 0");
    rig_free(rig);
}

static void test_an_event_that_lacks_more_does_not(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    hold(rig);
    const struct dw_held_touch touches[] = {
        {.key = key_of("1"), .version = {1, 200, 0}, .lacks = {b_column, 1}},
        {.key = key_of("2"), .version = {1, 200, 1}, .lacks = {both_columns, 2}},
    };
    touch(rig, touches, 2);
    assert_string_equal(held(rig, 1), "held 1/0/C8/0");
    assert_string_equal(held(rig, 2), "held 1/0/C8/1");
    /* What the letter lacked itself need not come. */
    const struct dw_held_touch again[] = {
        {.key = key_of("2"), .version = {1, 300, 0}, .lacks = {b_column, 1}},
    };
    touch(rig, again, 1);
    assert_string_equal(held(rig, 2), "superseded 1/0/12C/0");
    assert_string_equal(ends(rig), "0 1 0 0");
    rig_free(rig);
}

static void test_several_events_of_a_batch(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    hold(rig);
    const struct dw_held_touch touches[] = {
        {.key = key_of("1"), .version = {1, 200, 0}},
        {.key = key_of("1"), .version = {1, 200, 1}, .lacks = {b_column, 1}},
        {.key = key_of("2"), .version = {1, 200, 2}, .lacks = {both_columns, 2}},
        {.key = key_of("2"), .version = {1, 200, 3}, .gone = true},
    };
    touch(rig, touches, 4);
    assert_string_equal(held(rig, 1), "superseded 1/0/C8/1"); /* the first of them covered it */
    assert_string_equal(held(rig, 2), "superseded 1/0/C8/3 gone");
    rig_free(rig);
}

static void test_what_is_older_is_no_news(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    hold(rig);
    const struct dw_held_touch touches[] = {
        {.key = key_of("1"), .version = {1, 100, 1}, .offset = 9}, /* the letter's own replay */
        {.key = key_of("1"), .version = {1, 99, 7}, .offset = 10},
        {.key = key_of("2"), .version = {0, 500, 0}, .offset = 2}, /* without version: by place */
        {.key = key_of("2"), .version = {0, 500, 0}, .offset = 9, .partition = 1},
    };
    touch(rig, touches, 4);
    assert_string_equal(held(rig, 1), "held");
    assert_string_equal(held(rig, 2), "held");
    const struct dw_held_touch later = {.key = key_of("2"), .version = {0, 0, 0}, .offset = 3};
    touch(rig, &later, 1);
    assert_string_equal(held(rig, 2), "superseded 0/0/0/0");
    const struct dw_held_touch epoch = {.key = key_of("1"), .version = {2, 1, 0}};
    touch(rig, &epoch, 1);
    assert_string_equal(held(rig, 1), "superseded 2/0/1/0");
    rig_free(rig);
}

static void test_an_event_behind_the_letter_in_its_own_batch(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    const struct dw_held letters[] = {
        {1, DW_STR_LIT("[\"1\"]"), key_of("1"), {NULL, 0}, {1, 100, 1}, "DW-APPLY-012"},
        {3, DW_STR_LIT("[\"1\"]"), key_of("1"), {NULL, 0}, {1, 100, 3}, "DW-APPLY-012"},
    };
    const struct dw_held_touch between = {.key = key_of("1"), .version = {1, 100, 2}};
    note(rig, &(struct dw_held_news){
                  .letters = letters, .letter_count = 2, .touches = &between, .touch_count = 1});
    assert_string_equal(held(rig, 1), "superseded 1/0/64/2");
    assert_string_equal(held(rig, 3), "held");
    rig_free(rig);
}

static void test_a_truncate_supersedes_what_came_before(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    hold(rig);
    const struct dw_version version = {1, 100, 2};
    note(rig, &(struct dw_held_news){.truncated = &version});
    assert_string_equal(held(rig, 1), "superseded 1/0/64/2 gone");
    assert_string_equal(held(rig, 2), "held");
    rig_free(rig);
}

static void assert_row(struct rig *rig, int64_t offset, struct dw_held_row expected)
{
    const struct dw_held_id ids[] = {{dw_str_from("w_held"), 0, 99},
                                     {dw_str_from("w_held"), 0, offset}};
    struct dw_held_row rows[2];
    assert_int_equal(dw_writer_begin(rig->writer, &rig->id, &rig->progress, &rig->err), DW_OK);
    if (dw_writer_held(rig->writer, ids, 2, rows, &rig->err) != DW_OK)
        fail_msg("%s", rig->err.message);
    assert_false(rows[0].exists);
    assert_int_equal(rows[1].exists, expected.exists);
    assert_int_equal(rows[1].ended, expected.ended);
    assert_int_equal(rows[1].touched, expected.touched);
    assert_int_equal(rows[1].attempts, expected.attempts);
    dw_writer_rollback(rig->writer);
}

static void settle(struct rig *rig, struct dw_held_settle what)
{
    what.id = (struct dw_held_id){dw_str_from("w_held"), 0, 1};
    note(rig, &(struct dw_held_news){.settles = &what, .settle_count = 1});
}

static void test_replays_leave_their_attempts_and_end(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    hold(rig);
    assert_row(rig, 1, (struct dw_held_row){true, false, false, 1});
    settle(rig, (struct dw_held_settle){.attempt = 2, .code = "DW-APPLY-011"});
    assert_row(rig, 1, (struct dw_held_row){true, false, false, 2});
    rig_assert_text(rig, "SELECT code FROM dualwrite.held WHERE " OF "1", "DW-APPLY-011");
    settle(rig, (struct dw_held_settle){.attempt = 3, .wants_row = true});
    assert_row(rig, 1, (struct dw_held_row){true, false, false, 3});
    rig_assert_text(rig, "SELECT code || wants_row FROM dualwrite.held WHERE " OF "1",
                    "DW-APPLY-011true");
    settle(rig, (struct dw_held_settle){.attempt = 4, .outcome = "applied"});
    assert_row(rig, 1, (struct dw_held_row){true, true, false, 4});
    assert_string_equal(ends(rig), "1 0 0 0");
    /* What comes later finds an end, and changes nothing. */
    settle(rig, (struct dw_held_settle){.attempt = 5, .outcome = "superseded"});
    const struct dw_held_touch late = {.key = key_of("1"), .version = {1, 900, 0}};
    touch(rig, &late, 1);
    assert_string_equal(held(rig, 1), "applied");
    assert_string_equal(ends(rig), "1 0 0 0");
    const struct dw_held_touch lacking = {
        .key = key_of("2"), .version = {1, 900, 0}, .lacks = {both_columns, 2}};
    touch(rig, &lacking, 1);
    assert_row(rig, 2, (struct dw_held_row){true, false, true, 1});
    rig_free(rig);
}

static void test_a_letter_without_a_key_is_not_to_be_applied(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    const struct dw_held letter = {.offset = 1, .version = {1, 5, 0}, .code = "DW-EVENT-001"};
    note(rig, &(struct dw_held_news){.letters = &letter, .letter_count = 1});
    assert_row(rig, 1, (struct dw_held_row){true, false, true, 1});
    rig_free(rig);
}

static void test_the_topic_is_known_to_hold_letters(void **state)
{
    (void)state;
    struct rig *rig = new_rig();
    bool holds = true;
    assert_int_equal(dw_writer_holds(rig->writer, "w_held", &holds, &rig->err), DW_OK);
    assert_false(holds);
    hold(rig);
    assert_int_equal(dw_writer_holds(rig->writer, "w_held", &holds, &rig->err), DW_OK);
    assert_true(holds);
    rig_exec(rig, "UPDATE dualwrite.held SET outcome = 'discarded' WHERE topic = 'w_held'");
    assert_int_equal(dw_writer_holds(rig->writer, "w_held", &holds, &rig->err), DW_OK);
    assert_false(holds);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_event_or_a_delete_supersedes),
        cmocka_unit_test(test_an_event_that_lacks_more_does_not),
        cmocka_unit_test(test_several_events_of_a_batch),
        cmocka_unit_test(test_what_is_older_is_no_news),
        cmocka_unit_test(test_an_event_behind_the_letter_in_its_own_batch),
        cmocka_unit_test(test_a_truncate_supersedes_what_came_before),
        cmocka_unit_test(test_replays_leave_their_attempts_and_end),
        cmocka_unit_test(test_a_letter_without_a_key_is_not_to_be_applied),
        cmocka_unit_test(test_the_topic_is_known_to_hold_letters),
    };
    return cmocka_run_group_tests_name("writer_held", tests, NULL, NULL);
}
