/* digest.c - see digest.h: building, and writing JSON. The page is in digest_page.c. */
#include "reconciler/report/digest.h"

#include "common/base/clock.h"
#include "common/base/json_write.h"
#include "common/base/table.h"

#define DAY_US  INT64_C(86400000000)
#define HOUR_US INT64_C(3600000000)

static void add_sample(const struct dw_digest_sample *sample, struct dw_digest_day *into)
{
    struct dw_latency latency;
    _Static_assert(DW_DIGEST_BUCKETS == DW_METRIC_BUCKETS, "one histogram");
    for (int i = 0; i < DW_METRIC_BUCKETS; i++)
        latency.counts[i] = sample->latency[i];
    into->events += sample->events;
    into->dead += sample->dead;
    if (sample->lag_max_us > into->lag_max_us)
        into->lag_max_us = sample->lag_max_us;
    dw_latency_add(&into->latency, &latency);
}

static void add_day(const struct dw_digest_day *day, struct dw_digest_day *into)
{
    into->events += day->events;
    into->dead += day->dead;
    if (day->lag_max_us > into->lag_max_us)
        into->lag_max_us = day->lag_max_us;
    dw_latency_add(&into->latency, &day->latency);
}

static void take_samples(const struct dw_digest_input *input, const struct dw_table *by_name)
{
    for (size_t i = 0; i < input->sample_count; i++) {
        const struct dw_digest_sample *sample = &input->samples[i];
        struct dw_digest_map *map = dw_table_find(by_name, dw_str_from(sample->map));
        if (!map)
            continue;
        map->letters = sample->letters; /* in order of hours: the last one stays */
        if (sample->hour_us < input->day_us) {
            add_sample(sample, &map->before);
            continue;
        }
        int64_t hour = (sample->hour_us - input->day_us) / HOUR_US;
        add_sample(sample, &map->day);
        if (hour < DW_DIGEST_HOURS)
            map->hours[hour] += sample->events;
    }
}

static void sum_up(struct dw_digest *digest)
{
    digest->sum = (struct dw_digest_map){.map = "", .state = ""};
    for (size_t i = 0; i < digest->map_count; i++) {
        const struct dw_digest_map *map = &digest->maps[i];
        add_day(&map->day, &digest->sum.day);
        add_day(&map->before, &digest->sum.before);
        digest->sum.letters += map->letters;
        for (size_t h = 0; h < DW_DIGEST_HOURS; h++)
            digest->sum.hours[h] += map->hours[h];
        digest->compared += map->equality != NULL;
        digest->equal += map->equality && map->equality->left == 0;
    }
}

void dw_digest_build(const struct dw_digest_input *input, struct dw_arena *arena,
                     struct dw_digest *out)
{
    struct dw_table by_name;
    struct dw_digest_map *maps = DW_ARENA_ARRAY(arena, struct dw_digest_map, input->name_count);
    dw_table_init(&by_name);
    for (size_t i = 0; i < input->name_count; i++) {
        maps[i].map = input->names[i].map;
        maps[i].state = input->names[i].state;
        *dw_table_place(&by_name, dw_str_from(maps[i].map)) = &maps[i];
    }
    take_samples(input, &by_name);
    for (size_t i = 0; i < input->equality_count; i++) {
        struct dw_digest_map *map = dw_table_find(&by_name, dw_str_from(input->equality[i].map));
        if (map)
            map->equality = &input->equality[i];
    }
    dw_table_done(&by_name);
    *out = (struct dw_digest){
        .date = input->date,
        .complete = input->now_us >= input->day_us + DAY_US,
        .made_us = input->now_us,
        .maps = maps,
        .map_count = input->name_count,
    };
    sum_up(out);
}

/* --- JSON ---------------------------------------------------------------------------------------
 */

static void write_time(struct dw_buf *out, const char *name, int64_t us)
{
    char text[32];
    dw_json_write_text(out, name, us ? dw_clock_format(us, text) : NULL);
}

static void write_percentile(struct dw_buf *out, const char *name, const struct dw_latency *latency,
                             double percent)
{
    int64_t us = dw_latency_percentile_us(latency, percent);
    if (us < 0)
        dw_json_write_text(out, name, NULL);
    else
        dw_json_write_real(out, name, (double)us / 1e3);
}

static void write_day(struct dw_buf *out, const char *name, const struct dw_digest_day *day)
{
    dw_json_write_name(out, name);
    dw_buf_append_char(out, '{');
    dw_json_write_i64(out, "events", day->events);
    dw_json_write_i64(out, "dead", day->dead);
    dw_json_write_real(out, "lag_max_seconds", (double)day->lag_max_us / 1e6);
    dw_json_write_name(out, "latency_ms");
    dw_buf_append_char(out, '{');
    write_percentile(out, "p50", &day->latency, 50);
    write_percentile(out, "p95", &day->latency, 95);
    write_percentile(out, "p99", &day->latency, 99);
    dw_json_write_i64(out, "count", dw_latency_count(&day->latency));
    dw_buf_append_text(out, "}}");
}

static void write_equality(struct dw_buf *out, const struct dw_digest_equality *equality)
{
    dw_json_write_name(out, "equality");
    if (!equality) {
        dw_buf_append_text(out, "null");
        return;
    }
    dw_buf_append_char(out, '{');
    dw_json_write_i64(out, "run", equality->run);
    write_time(out, "ended_at", equality->ended_us);
    dw_json_write_i64(out, "rows", equality->rows);
    dw_json_write_i64(out, "differences", equality->differences);
    dw_json_write_i64(out, "left", equality->left);
    dw_buf_append_char(out, '}');
}

static void write_hours(struct dw_buf *out, const int64_t *hours)
{
    dw_json_write_name(out, "events_by_hour");
    for (size_t h = 0; h < DW_DIGEST_HOURS; h++) {
        dw_buf_append_char(out, h ? ',' : '[');
        dw_buf_append_i64(out, hours[h]);
    }
    dw_buf_append_char(out, ']');
}

static void write_numbers(struct dw_buf *out, const struct dw_digest_map *map)
{
    write_day(out, "day", &map->day);
    write_day(out, "day_before", &map->before);
    write_hours(out, map->hours);
    dw_json_write_i64(out, "dead_letters_open", map->letters);
}

void dw_digest_write(const struct dw_digest *digest, const char *kind, struct dw_buf *out)
{
    dw_buf_append_char(out, '{');
    if (kind)
        dw_json_write_text(out, "kind", kind);
    dw_json_write_text(out, "date", digest->date);
    dw_json_write_bool(out, "complete", digest->complete);
    write_time(out, "made_at", digest->made_us);
    dw_json_write_name(out, "all");
    dw_buf_append_char(out, '{');
    write_numbers(out, &digest->sum);
    dw_json_write_u64(out, "maps", digest->map_count);
    dw_json_write_u64(out, "maps_compared", digest->compared);
    dw_json_write_u64(out, "maps_equal", digest->equal);
    dw_buf_append_char(out, '}');
    dw_json_write_name(out, "maps");
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < digest->map_count; i++) {
        const struct dw_digest_map *map = &digest->maps[i];
        dw_buf_append_text(out, i ? ",{" : "{");
        dw_json_write_text(out, "map", map->map);
        dw_json_write_text(out, "state", map->state);
        write_numbers(out, map);
        write_equality(out, map->equality);
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_text(out, "]}\n");
}
