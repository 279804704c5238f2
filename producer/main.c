/* dualwrite-producer: captures the changes of one system and publishes them to Kafka. */
#include "common/base/log.h"
#include "common/service/http_server.h"
#include "common/service/lifecycle.h"
#include "producer/capture_postgres/capture.h"
#include "producer/initial_sync/sync.h"

static const struct dw_system_settings *choose_system(const struct dw_settings *settings,
                                                      const char *name, struct dw_err *err)
{
    const struct dw_system_settings *system = NULL;
    if (name)
        system = dw_settings_system(settings, name);
    else if (settings->system_count == 1)
        system = &settings->systems[0];
    if (!system && name)
        (void)dw_err_set(err, DW_CONFIG, "DW-CAPTURE-051", "%s has no system \"%s\"",
                         settings->file, name);
    else if (!system)
        (void)dw_err_set(err, DW_CONFIG, "DW-CAPTURE-051",
                         "%s has %zu systems: say which one with --system NAME", settings->file,
                         settings->system_count);
    return system;
}

static enum dw_rc serve(struct dw_capture *capture, const struct dw_settings *settings,
                        struct dw_http_server **out, struct dw_err *err)
{
    if (!settings->producer.listen[0])
        return DW_OK;
    struct dw_http_options options = {
        .listen = settings->producer.listen,
        .body_max_bytes = 4096,
        .context = capture,
        .ready = dw_capture_is_ready,
        .tick_age_ms = dw_capture_tick_age_ms,
    };
    return dw_http_server_start(out, &options, err);
}

int main(int argc, char **argv)
{
    static const struct dw_lifecycle_program program = {
        .name = "dualwrite-producer",
        .part = "producer",
        .kept_bytes = 6 << 20,
        .summary = "Captures the changes of one system and publishes them to Kafka.",
        .extra_help =
            "  --system NAME    system to capture; needed when the settings have several\n"
            "  --accept-gap     begin a new epoch where a gap stopped the producer\n"
            "One producer per system is active; a second one waits as a standby.\n",
    };
    struct dw_arena arena;
    struct dw_lifecycle_arguments arguments;
    struct dw_settings settings;
    struct dw_err err = DW_ERR_INIT;
    struct dw_capture *capture = NULL;
    struct dw_sync *sync = NULL;
    struct dw_http_server *server = NULL;
    dw_arena_init(&arena, 16384);
    dw_lifecycle_start(&program, argc, argv, &arena, &arguments, &settings);
    struct dw_capture_options options = {
        .settings = &settings,
        .system = choose_system(&settings, arguments.system, &err),
        .instance = arguments.instance,
        .accept_gap = arguments.accept_gap,
    };
    struct dw_sync_options sync_options = {
        .settings = &settings, .system = options.system, .instance = arguments.instance};
    enum dw_rc rc = options.system ? DW_OK : DW_CONFIG;
    if (rc == DW_OK)
        rc = dw_sync_open(&sync, &sync_options, &err);
    if (rc == DW_OK)
        options.tap = dw_sync_tap(sync);
    if (rc == DW_OK)
        rc = dw_capture_open(&capture, &options, &err);
    if (rc == DW_OK)
        rc = serve(capture, &settings, &server, &err);
    if (rc == DW_OK)
        rc = dw_capture_run(capture, &err);
    dw_http_server_stop(server);
    dw_capture_close(capture);
    dw_sync_close(sync);
    if (rc != DW_OK)
        dw_log_err(DW_LOG_FATAL, "producer.failed", &err);
    dw_arena_done(&arena);
    return rc == DW_OK ? 0 : rc == DW_CONFIG ? 2 : 1;
}
