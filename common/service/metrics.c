/* metrics.c - see metrics.h. A registry of series in order of registration; text is made on demand.
 */
#include "common/service/metrics.h"

#include "common/base/arena.h"
#include "common/base/clock.h"
#include <dirent.h>
#include <libpq-fe.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct entry {
    struct entry *next;
    enum dw_metric_kind kind;
    char *name;
    const char *help;
    char *labels;
    int64_t scale;
    struct dw_metric_series series;
};

static struct entry *entries; /* sorted by name, so that series of a metric stand together */
static struct entry **sorted; /* the same, to look one up among the many of a thousand maps */
static size_t entry_count;
static size_t entry_capacity;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int64_t dw_metrics_bucket_us(int index)
{
    return index >= DW_METRIC_BUCKETS - 1 ? INT64_MAX : INT64_C(100) << index;
}

static int bucket_of(int64_t us)
{
    int index = 0;
    while (index < DW_METRIC_BUCKETS - 1 && us > dw_metrics_bucket_us(index))
        index++;
    return index;
}

void dw_metrics_observe_us(struct dw_metric_series *series, int64_t us, int64_t count)
{
    if (us < 0)
        us = 0; /* clocks of two machines */
    atomic_fetch_add_explicit(&series->buckets[bucket_of(us)], count, memory_order_relaxed);
    atomic_fetch_add_explicit(&series->sum, us * count, memory_order_relaxed);
    atomic_fetch_add_explicit(&series->value, count, memory_order_relaxed);
}

/* Where a series is, or would be. */
static size_t place_of(const char *name, const char *labels, bool *out_found)
{
    size_t low = 0;
    size_t high = entry_count;
    *out_found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(sorted[middle]->name, name);
        if (order == 0)
            order = strcmp(sorted[middle]->labels, labels);
        *out_found = *out_found || order == 0;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void insert(size_t place, struct entry *added)
{
    if (entry_count == entry_capacity) {
        entry_capacity = entry_capacity ? entry_capacity * 2 : 64;
        sorted = dw_mem_realloc((void *)sorted, entry_capacity * sizeof(struct entry *));
    }
    memmove((void *)(sorted + place + 1), (void *)(sorted + place),
            (entry_count - place) * sizeof(struct entry *));
    sorted[place] = added;
    entry_count++;
    struct entry **link = place ? &sorted[place - 1]->next : &entries;
    added->next = *link;
    *link = added;
}

struct dw_metric_series *dw_metrics_series(enum dw_metric_kind kind, const char *name,
                                           const char *help, const char *labels, int64_t scale)
{
    pthread_mutex_lock(&lock);
    bool known;
    size_t place = place_of(name, labels, &known);
    if (!known) {
        struct entry *added = DW_MEM_NEW(struct entry);
        added->kind = kind;
        added->name = dw_mem_strdup(name);
        added->help = help;
        added->labels = dw_mem_strdup(labels);
        added->scale = scale ? scale : 1;
        insert(place, added);
    }
    struct dw_metric_series *series = &sorted[place]->series;
    pthread_mutex_unlock(&lock);
    return series;
}

void dw_metrics_zero(const char *name)
{
    pthread_mutex_lock(&lock);
    for (struct entry *entry = entries; entry; entry = entry->next)
        if (strcmp(entry->name, name) == 0)
            dw_metrics_set(&entry->series, 0);
    pthread_mutex_unlock(&lock);
}

static void write_number(struct dw_buf *out, int64_t value, int64_t scale)
{
    if (scale == 1)
        dw_buf_append_i64(out, value);
    else
        dw_buf_printf(out, "%.15g", (double)value / (double)scale);
    dw_buf_append_char(out, '\n');
}

static void write_histogram(struct dw_buf *out, const struct entry *entry)
{
    const char *comma = entry->labels[0] ? "," : "";
    int64_t total = 0;
    for (int i = 0; i < DW_METRIC_BUCKETS; i++) {
        total += atomic_load_explicit(&entry->series.buckets[i], memory_order_relaxed);
        dw_buf_printf(out, "%s_bucket{%s%sle=\"", entry->name, entry->labels, comma);
        if (i == DW_METRIC_BUCKETS - 1)
            dw_buf_append_text(out, "+Inf");
        else
            dw_buf_printf(out, "%.9g", (double)dw_metrics_bucket_us(i) / 1e6);
        dw_buf_printf(out, "\"} %lld\n", (long long)total);
    }
    dw_buf_printf(out, "%s_sum{%s} ", entry->name, entry->labels);
    write_number(out, atomic_load_explicit(&entry->series.sum, memory_order_relaxed), 1000000);
    dw_buf_printf(out, "%s_count{%s} %lld\n", entry->name, entry->labels, (long long)total);
}

static void write_series(struct dw_buf *out, const struct entry *entry)
{
    if (entry->kind == DW_METRIC_HISTOGRAM) {
        write_histogram(out, entry);
        return;
    }
    dw_buf_append_text(out, entry->name);
    if (entry->labels[0])
        dw_buf_printf(out, "{%s}", entry->labels);
    dw_buf_append_char(out, ' ');
    write_number(out, atomic_load_explicit(&entry->series.value, memory_order_relaxed),
                 entry->scale);
}

static void write_head(struct dw_buf *out, const char *name, const char *help, const char *type)
{
    dw_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static int64_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    long long pages = 0;
    if (file) {
        if (fscanf(file, "%*s %lld", &pages) != 1)
            pages = 0;
        (void)fclose(file);
    }
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static int64_t open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int64_t count = 0;
    while (folder && readdir(folder))
        count++;
    if (folder)
        (void)closedir(folder);
    return count > 3 ? count - 3 : 0; /* ".", ".." and the folder itself */
}

/* The kernel counts from boot, in ticks: proc(5), /proc/PID/stat, field 22. */
static double start_seconds(void)
{
    FILE *file = fopen("/proc/self/stat", "re");
    unsigned long long ticks = 0;
    struct timespec boot;
    if (file) {
        if (fscanf(file,
                   "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d"
                   " %*d %*d %*d %*d %llu",
                   &ticks) != 1)
            ticks = 0;
        (void)fclose(file);
    }
    (void)clock_gettime(CLOCK_BOOTTIME, &boot);
    double since_boot = (double)boot.tv_sec + (double)boot.tv_nsec / 1e9;
    double age = since_boot - (double)ticks / (double)sysconf(_SC_CLK_TCK);
    return (double)dw_clock_wall_us() / 1e6 - age;
}

static void write_process(struct dw_buf *out)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    write_head(out, "process_cpu_seconds_total", "CPU time used.", "counter");
    dw_buf_printf(out, "process_cpu_seconds_total %.3f\n", cpu);
    write_head(out, "process_resident_memory_bytes", "Resident memory.", "gauge");
    dw_buf_printf(out, "process_resident_memory_bytes %lld\n", (long long)resident_bytes());
    write_head(out, "process_open_fds", "Open descriptors.", "gauge");
    dw_buf_printf(out, "process_open_fds %lld\n", (long long)open_descriptors());
    write_head(out, "process_start_time_seconds", "When the process started.", "gauge");
    dw_buf_printf(out, "process_start_time_seconds %.2f\n", start_seconds());
    write_head(out, "dw_build_info", "Version of the program and its libraries.", "gauge");
    dw_buf_printf(out, "dw_build_info{version=\"%s\",librdkafka=\"%s\",libpq=\"%d\"} 1\n",
                  DW_VERSION, rd_kafka_version_str(), PQlibVersion());
}

void dw_metrics_render(struct dw_buf *out)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    const char *last = "";
    pthread_mutex_lock(&lock);
    for (const struct entry *entry = entries; entry; entry = entry->next) {
        if (strcmp(entry->name, last) != 0)
            write_head(out, entry->name, entry->help, types[entry->kind]);
        last = entry->name;
        write_series(out, entry);
    }
    pthread_mutex_unlock(&lock);
    write_process(out);
}
