/* log.c - see log.h. One write(2) per line, so that lines of several threads do not mix. */
#include "common/base/log.h"

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/json_write.h"
#include "common/base/utf8.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_BYTES 16384
#define REPEAT_SLOTS   64

static const char *part_name = "dualwrite";
static atomic_int min_level = DW_LOG_INFO;

/* What was written last per event, to count repeats instead of writing them. */
static struct repeat {
    uint64_t hash;
    int64_t since_ms;
    uint64_t suppressed;
} repeats[REPEAT_SLOTS];
static pthread_mutex_t repeats_lock = PTHREAD_MUTEX_INITIALIZER;

static const char *const level_names[] = {"debug", "info", "warn", "error", "fatal"};

void dw_log_init(const char *part, enum dw_log_level level)
{
    part_name = part;
    dw_log_set_level(level);
}

void dw_log_set_level(enum dw_log_level level)
{
    atomic_store(&min_level, (int)level);
}

bool dw_log_parse_level(const char *name, enum dw_log_level *out_level)
{
    for (int i = DW_LOG_DEBUG; i <= DW_LOG_ERROR; i++)
        if (strcmp(name, level_names[i]) == 0) {
            *out_level = (enum dw_log_level)i;
            return true;
        }
    return false;
}

bool dw_log_enabled(enum dw_log_level level)
{
    return (int)level >= atomic_load(&min_level);
}

/* True when the same line was written within the last second; *out_suppressed: how many were
 * swallowed before this one. */
static bool is_repeat(uint64_t hash, uint64_t *out_suppressed)
{
    int64_t now = dw_clock_mono_ms();
    bool repeat = false;
    pthread_mutex_lock(&repeats_lock);
    struct repeat *slot = &repeats[hash % REPEAT_SLOTS];
    if (slot->hash == hash && now - slot->since_ms < 1000) {
        slot->suppressed++;
        repeat = true;
    } else {
        *out_suppressed = slot->hash == hash ? slot->suppressed : 0;
        *slot = (struct repeat){.hash = hash, .since_ms = now};
    }
    pthread_mutex_unlock(&repeats_lock);
    return repeat;
}

static void write_field(struct dw_buf *line, const struct dw_log_field *field)
{
    switch (field->kind) {
    case DW_LOG_TEXT:
        if (field->text && !dw_utf8_valid(field->text, strlen(field->text)))
            dw_json_write_text(line, field->name, "(not UTF-8)");
        else
            dw_json_write_text(line, field->name, field->text);
        break;
    case DW_LOG_NUMBER:
        dw_json_write_i64(line, field->name, field->number);
        break;
    case DW_LOG_LSN:
        dw_json_write_name(line, field->name);
        dw_buf_printf(line, "\"%X/%X\"", (unsigned)((uint64_t)field->number >> 32),
                      (unsigned)((uint64_t)field->number & 0xffffffffU));
        break;
    }
}

static uint64_t fields_hash(const char *event, const char *message,
                            const struct dw_log_field *fields, size_t count)
{
    uint64_t hash = dw_hash_bytes(event, strlen(event), 0);
    hash = dw_hash_bytes(message, strlen(message), hash);
    for (size_t i = 0; i < count; i++) {
        if (fields[i].text)
            hash = dw_hash_bytes(fields[i].text, strlen(fields[i].text), hash);
        hash = dw_hash_bytes(&fields[i].number, sizeof fields[i].number, hash);
    }
    return hash;
}

void dw_log_write(enum dw_log_level level, const char *event, const char *message,
                  const struct dw_log_field *fields, size_t count)
{
    uint64_t suppressed = 0;
    if (!dw_log_enabled(level) ||
        is_repeat(fields_hash(event, message, fields, count), &suppressed))
        return;
    struct dw_buf line;
    char ts[32];
    dw_buf_init(&line, LINE_MAX_BYTES);
    dw_buf_append_char(&line, '{');
    dw_json_write_text(&line, "ts", dw_clock_format(dw_clock_wall_us(), ts));
    dw_json_write_text(&line, "level", level_names[level]);
    dw_json_write_text(&line, "part", part_name);
    dw_json_write_text(&line, "event", event);
    dw_json_write_text(&line, "message", message);
    for (size_t i = 0; i < count; i++)
        write_field(&line, &fields[i]);
    if (suppressed)
        dw_json_write_u64(&line, "repeated", suppressed);
    dw_buf_append(&line, "}\n", 2);
    if (dw_buf_ok(&line)) {
        ssize_t ignored = write(STDERR_FILENO, line.data, line.len);
        (void)ignored; /* nowhere to report that the log cannot be written */
    }
    dw_buf_done(&line);
}

void dw_log_err(enum dw_log_level level, const char *event, const struct dw_err *err)
{
    struct dw_log_field fields[] = {
        DW_F_TEXT("code", err->id),
        DW_F_TEXT("class", dw_rc_name(err->rc)),
        DW_F_TEXT("sqlstate", err->sqlstate),
    };
    dw_log_write(level, event, err->message, fields, err->sqlstate[0] ? 3 : 2);
}
