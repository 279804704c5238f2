/* fault.c - see fault.h. */
#include "common/base/fault.h"

#ifdef DW_FAULTS
#include "common/base/clock.h"
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAULTS_MAX 16

static struct fault {
    char point[64];
    char action[16];
    long skip;
    bool fired;
} faults[FAULTS_MAX];
static int fault_count;
static pthread_once_t parsed = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void parse_environment(void)
{
    const char *spec = getenv("DW_FAULT");
    while (spec && *spec && fault_count < FAULTS_MAX) {
        struct fault *fault = &faults[fault_count];
        int fields =
            sscanf(spec, "%63[^:,]:%15[^:,]:%ld", fault->point, fault->action, &fault->skip);
        if (fields >= 2)
            fault_count++;
        spec = strchr(spec, ',');
        if (spec)
            spec++;
    }
}

static void act(const char *action)
{
    if (strcmp(action, "kill") == 0)
        (void)kill(getpid(), SIGKILL);
    else if (strcmp(action, "stop") == 0)
        (void)pthread_kill(pthread_self(),
                           SIGSTOP); /* to itself: it stops here, not a little later */
    else if (strcmp(action, "exit") == 0)
        _exit(70);
    else if (strncmp(action, "sleep", 5) == 0)
        dw_clock_sleep_ms(strtol(action + 5, NULL, 10));
}

void dw_fault_hit(const char *point)
{
    pthread_once(&parsed, parse_environment);
    if (fault_count == 0)
        return;
    const char *action = NULL;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < fault_count && !action; i++) {
        if (faults[i].fired || strcmp(faults[i].point, point) != 0)
            continue;
        if (faults[i].skip-- > 0)
            continue;
        faults[i].fired = true;
        action = faults[i].action;
    }
    pthread_mutex_unlock(&lock);
    if (action)
        act(action);
}
#else
typedef int dw_fault_unused; /* ISO C wants something in each translation unit */
#endif
