/* lifecycle.c - see lifecycle.h. */
#include "common/service/lifecycle.h"

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include <getopt.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

enum {
    EXIT_USAGE = 2,
    SLEEP_MAX_MS = 250,
    STOP_STEP_MS = 20,
};

static atomic_bool stopping;
static int stop_event = -1;

void dw_lifecycle_stop(void)
{
    const uint64_t one = 1;
    atomic_store(&stopping, true);
    ssize_t ignored = write(stop_event, &one, sizeof one);
    (void)ignored; /* an eventfd that is full is readable already */
}

bool dw_lifecycle_stopping(void)
{
    return atomic_load(&stopping);
}

int dw_lifecycle_stop_fd(void)
{
    return stop_event;
}

void dw_lifecycle_sleep(const _Atomic bool *stop, int64_t ms)
{
    int64_t until = dw_clock_mono_ms() + ms;
    for (int64_t left; !atomic_load(stop) && (left = until - dw_clock_mono_ms()) > 0;) {
        struct pollfd asked = {.fd = stop_event, .events = POLLIN};
        bool goes_on = !dw_lifecycle_stopping();
        int64_t longest = goes_on ? SLEEP_MAX_MS : STOP_STEP_MS;
        (void)poll(&asked, goes_on ? 1 : 0, (int)(left < longest ? left : longest));
    }
}

static void on_signal(int number)
{
    if (atomic_load(&stopping))
        _exit(128 + number); /* asked twice: at once */
    dw_lifecycle_stop();
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    (void)sigemptyset(&action.sa_mask);
    stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static void print_help(const struct dw_lifecycle_program *program)
{
    printf("%s - %s\n\nUsage: %s [options]\n\n"
           "  --config FILE    settings (default: $DW_CONFIG, then ./dualwrite.json)\n"
           "  --instance NAME  name of this process in status and logs (default: HOST-PID)\n",
           program->name, program->summary, program->name);
    if (program->extra_help)
        printf("%s", program->extra_help);
    printf("  --help           this text\n"
           "  --version        version\n\n"
           "Settings of this program in dualwrite.json (or the environment, DW_SECTION_NAME):\n\n");
    dw_settings_print_help(stdout, program->part);
}

static void usage_error(const struct dw_lifecycle_program *program)
{
    (void)fprintf(stderr, "%s: see %s --help\n", program->name, program->name);
    exit(EXIT_USAGE);
}

static void parse_arguments(const struct dw_lifecycle_program *program, int argc, char **argv,
                            struct dw_lifecycle_arguments *out)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"system", required_argument, NULL, 's'},
        {"instance", required_argument, NULL, 'i'},
        {"accept-gap", no_argument, NULL, 'g'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    bool captures = strcmp(program->part, "producer") == 0;
    int letter;
    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (letter) {
        case 'c':
            out->config = optarg;
            break;
        case 'i':
            out->instance = optarg;
            break;
        case 's':
            out->system = optarg;
            break;
        case 'g':
            out->accept_gap = true;
            break;
        case 'h':
            print_help(program);
            exit(EXIT_SUCCESS);
        case 'v':
            printf("%s %s\n", program->name, DW_VERSION);
            exit(EXIT_SUCCESS);
        default:
            usage_error(program);
        }
    }
    if (optind < argc || (!captures && (out->system || out->accept_gap))) {
        (void)fprintf(stderr, "%s: unexpected argument %s\n", program->name,
                      optind < argc     ? argv[optind]
                      : out->accept_gap ? "--accept-gap"
                                        : "--system");
        usage_error(program);
    }
}

static const char *default_instance(struct dw_arena *arena)
{
    char host[128] = "localhost";
    (void)gethostname(host, sizeof host - 1);
    return dw_arena_printf(arena, "%s-%d", host, (int)getpid());
}

/* Memory that a burst needed goes back: few arenas, early trimming. But what comes and goes by the
 * megabyte all the time is kept: to take it from the system anew costs more than to fill it. */
static void tune_memory(int kept_bytes)
{
    (void)mallopt(M_ARENA_MAX, 2);
    (void)mallopt(M_TRIM_THRESHOLD, kept_bytes);
    (void)mallopt(M_TOP_PAD, kept_bytes / 2); /* what trimming leaves */
    (void)mallopt(M_MMAP_THRESHOLD, kept_bytes);
}

void dw_lifecycle_start(const struct dw_lifecycle_program *program, int argc, char **argv,
                        struct dw_arena *arena, struct dw_lifecycle_arguments *out_arguments,
                        struct dw_settings *out_settings)
{
    *out_arguments = (struct dw_lifecycle_arguments){0};
    parse_arguments(program, argc, argv, out_arguments);
    dw_log_init(program->part, DW_LOG_INFO);
    struct dw_err err = DW_ERR_INIT;
    if (dw_settings_load(out_arguments->config, arena, out_settings, &err) != DW_OK) {
        (void)fprintf(stderr, "%s: %s (%s)\n", program->name, err.message, err.id);
        exit(EXIT_USAGE);
    }
    dw_log_set_level(out_settings->log_level);
    if (!out_arguments->instance)
        out_arguments->instance = default_instance(arena);
    (void)prctl(PR_SET_DUMPABLE, 0);
    tune_memory(program->kept_bytes);
    catch_signals();
}
