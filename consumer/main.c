/* main.c - dualwrite-consumer: applies what the map topics carry to the target systems. */
#include "common/base/log.h"
#include "common/service/lifecycle.h"
#include "consumer/pipeline/pipeline.h"

int main(int argc, char **argv)
{
    static const struct dw_lifecycle_program program = {
        .name = "dualwrite-consumer",
        .part = "consumer",
        .kept_bytes = 8 << 20,
        .summary = "applies the changes of all maps to their target systems",
        .extra_help = "  Any number may run: they share the work as one consumer group.\n",
    };
    struct dw_arena arena;
    struct dw_settings settings = {0};
    struct dw_lifecycle_arguments arguments = {0};
    dw_arena_init(&arena, 16384);
    dw_lifecycle_start(&program, argc, argv, &arena, &arguments, &settings);
    int code = dw_pipeline_run(&settings, arguments.instance);
    dw_arena_done(&arena);
    return code;
}
