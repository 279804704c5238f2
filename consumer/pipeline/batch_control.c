/* batch_control.c - control records: schema, revision, generation, sync, heartbeat, truncate; see
 * batch_parts.h. */
#include "consumer/pipeline/batch_parts.h"

#include "common/base/json_pull.h"
#include <stdlib.h>

struct control {
    int64_t sync;
    struct dw_str edge;
    int64_t sent_us;
    int64_t revision;
    struct dw_str code;
    struct dw_str reason;
    bool gap;
    struct dw_str document, resolved;
    int64_t generation, before, partitions, reach;
};

static int64_t number_of(struct dw_str text)
{
    char digits[24] = {0};
    if (text.len >= sizeof digits)
        return 0;
    memcpy(digits, text.ptr, text.len);
    return strtoll(digits, NULL, 10);
}

/* The members of a control record's content that we know; what is malformed stays zero. */
static struct control control_of(struct dw_batch *batch, struct dw_str content)
{
    struct control control = {0};
    struct dw_json_pull pull;
    dw_json_pull_init(&pull, content, batch->arena);
    struct dw_str name = {0};
    enum dw_json token;
    while ((token = dw_json_pull_next(&pull)) > DW_JSON_END) {
        if (token == DW_JSON_NAME)
            name = pull.text;
        else if (token == DW_JSON_NUMBER && dw_str_is(name, "sent_us"))
            control.sent_us = number_of(pull.text);
        else if (token == DW_JSON_NUMBER && dw_str_is(name, "sync"))
            control.sync = number_of(pull.text);
        else if (token == DW_JSON_STRING && dw_str_is(name, "edge"))
            control.edge = pull.text;
        else if (token == DW_JSON_NUMBER && dw_str_is(name, "revision"))
            control.revision = number_of(pull.text);
        else if (token == DW_JSON_NUMBER && dw_str_is(name, "generation"))
            control.generation = number_of(pull.text);
        else if (token == DW_JSON_NUMBER && dw_str_is(name, "before"))
            control.before = number_of(pull.text);
        else if (token == DW_JSON_NUMBER && dw_str_is(name, "partitions"))
            control.partitions = number_of(pull.text);
        else if (token == DW_JSON_NUMBER && dw_str_is(name, "reach"))
            control.reach = number_of(pull.text);
        else if (token == DW_JSON_NUMBER && dw_str_is(name, "gap"))
            control.gap = number_of(pull.text) != 0;
        else if (token == DW_JSON_STRING && dw_str_is(name, "code"))
            control.code = pull.text;
        else if (token == DW_JSON_STRING && dw_str_is(name, "reason"))
            control.reason = pull.text;
        else if (token == DW_JSON_STRING && dw_str_is(name, "document"))
            control.document = pull.text;
        else if (token == DW_JSON_STRING && dw_str_is(name, "resolved"))
            control.resolved = pull.text;
    }
    return control;
}

/* A schema record does not raise the version: the row that it announces may share it. */
enum dw_batch_add dw_batch_judge_schema(struct dw_batch *batch, struct dw_batch_item *item,
                                        const struct dw_event *event)
{
    struct control control = control_of(batch, event->message_content);
    const char *code = dw_arena_copy(batch->arena, control.code).ptr;
    if (control.revision >= batch->rules.revision &&
        !batch->rules.schema_passes(batch->rules.context, control.revision, code)) {
        batch->stop_code = code;
        batch->stop_reason = dw_arena_copy(batch->arena, control.reason).ptr;
        batch->stop_version = event->version;
        batch->stop_gap = control.gap;
        return DW_BATCH_SCHEMA;
    }
    /* Somebody has mended the map by a newer revision: that one is for what comes behind. */
    if (batch->rules.marked && control.revision >= batch->rules.revision &&
        batch->rules.newest > control.revision)
        return DW_BATCH_NEWER;
    item->outcome = DW_OUTCOME_CONTROL;
    return DW_BATCH_ADDED;
}

/* Another revision of the map begins here (trap 21). One that is in force already, or was passed
 * over by an operator, is only a control record. */
static enum dw_batch_add judge_marker(struct dw_batch *batch, struct dw_batch_item *item,
                                      const struct dw_event *event)
{
    const struct dw_batch_rules *rules = &batch->rules;
    struct control control = control_of(batch, event->message_content);
    bool news = control.document.len && control.revision >= rules->forced &&
                (!rules->marked || control.revision > rules->revision);
    item->outcome = DW_OUTCOME_CONTROL;
    if (!news)
        return DW_BATCH_ADDED;
    if (batch->count)
        return DW_BATCH_MARKER;
    batch->marker_revision = control.revision;
    batch->marker_document = control.document;
    batch->marker_resolved = control.resolved;
    return DW_BATCH_ADDED;
}

/* The map is published by more partitions from here on (trap 20). */
static void take_generation(struct dw_batch *batch, struct dw_batch_item *item,
                            const struct dw_event *event)
{
    struct control control = control_of(batch, event->message_content);
    item->outcome = DW_OUTCOME_CONTROL;
    if (!event->has_version || control.before <= 0 || control.before > INT32_MAX ||
        control.partitions <= 0 || control.partitions > INT32_MAX || control.reach <= 0 ||
        control.reach > INT32_MAX)
        return;
    batch->generation_number = control.generation;
    batch->generation = (struct dw_progress_generation){
        .version = event->version,
        .before = (int32_t)control.before,
        .partitions = (int32_t)control.partitions,
        .reach = (int32_t)control.reach,
    };
}

/* Marks of an initial sync: between them rows may be on their way that the target has not. */
static void take_sync(struct dw_batch *batch, struct dw_batch_item *item,
                      const struct dw_event *event)
{
    struct control control = control_of(batch, event->message_content);
    if (dw_str_is(control.edge, "begin"))
        batch->initial_sync = control.sync;
    else if (control.sync == batch->initial_sync)
        batch->initial_sync = 0;
    item->outcome = DW_OUTCOME_CONTROL;
}

enum dw_batch_add dw_batch_judge_message(struct dw_batch *batch, struct dw_batch_item *item,
                                         const struct dw_event *event)
{
    if (dw_str_is(event->message_prefix, DW_EVENT_REPLAY))
        return dw_batch_judge_replay(batch, item, event);
    if (dw_str_is(event->message_prefix, DW_EVENT_SCHEMA))
        return dw_batch_judge_schema(batch, item, event);
    if (dw_str_is(event->message_prefix, DW_EVENT_MAP))
        return judge_marker(batch, item, event);
    if (dw_str_is(event->message_prefix, DW_EVENT_GENERATION)) {
        take_generation(batch, item, event);
        return DW_BATCH_ADDED;
    }
    if (dw_str_is(event->message_prefix, DW_EVENT_SYNC)) {
        take_sync(batch, item, event);
        return DW_BATCH_ADDED;
    }
    if (!dw_str_is(event->message_prefix, DW_EVENT_HEARTBEAT)) {
        item->outcome = DW_OUTCOME_FILTERED;
        return DW_BATCH_ADDED;
    }
    int64_t sent_us = control_of(batch, event->message_content).sent_us;
    if (sent_us > batch->heartbeat_us)
        batch->heartbeat_us = sent_us;
    item->outcome = DW_OUTCOME_CONTROL;
    return DW_BATCH_ADDED;
}

enum dw_batch_add dw_batch_judge_truncate(struct dw_batch *batch, struct dw_batch_item *item,
                                          const struct dw_event *event)
{
    if (batch->rules.map->on_truncate == DW_ON_TRUNCATE_IGNORE) {
        item->outcome = DW_OUTCOME_FILTERED;
        return DW_BATCH_ADDED;
    }
    if (!event->has_version) {
        /* Without one the partitions cannot know whether they stand at the same truncate. */
        dw_batch_die_format(batch, item, "DW-APPLY-204",
                            "a truncate without a version cannot be ordered");
        item->failure_class = "incomplete";
        return DW_BATCH_ADDED;
    }
    if (!batch->rules.has_released ||
        dw_version_compare(&batch->rules.released, &event->version) != 0) {
        batch->stop_version = event->version;
        return DW_BATCH_TRUNCATE;
    }
    item->outcome = DW_OUTCOME_APPLIED;
    item->truncate = true;
    batch->truncated = true;
    return DW_BATCH_ADDED;
}
