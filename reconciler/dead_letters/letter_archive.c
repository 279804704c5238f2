/* letter_archive.c - see letter_archive.h. */
#include "reconciler/dead_letters/letter_archive.h"

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/fault.h"
#include "common/base/log.h"
#include "common/state/state_archive.h"
#include "common/state/state_jobs.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define PAGE     1000
#define TEXT_MAX ((size_t)1 << 30)
#define HOUR_US  INT64_C(3600000000)

static enum dw_rc file_error(const char *what, const char *path, struct dw_err *err)
{
    char text[128];
    return dw_err_set(err, DW_CONFIG, "DW-API-065", "%s %s: %s", path, what,
                      dw_err_errno_text(errno, text, sizeof text));
}

static bool write_all(int fd, const struct dw_buf *text)
{
    for (size_t done = 0; done < text->len;) {
        ssize_t written = write(fd, text->data + done, text->len - done);
        if (written < 0 && errno != EINTR)
            return false;
        done += written > 0 ? (size_t)written : 0;
    }
    return fsync(fd) == 0;
}

/* The name in the folder, too, has to be there after a power cut. */
static bool sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        (void)close(fd);
    return synced;
}

static enum dw_rc write_file(const char *folder, const struct dw_letter_line *lines, size_t count,
                             struct dw_arena *arena, struct dw_err *err)
{
    struct dw_buf text;
    const char *path = dw_arena_printf(arena, "%s/dead-letters-%lld-%lld.jsonl", folder,
                                       (long long)lines[0].id, (long long)lines[count - 1].id);
    const char *part = dw_arena_printf(arena, "%s.part", path);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600); /* rows are in it */
    if (fd < 0)
        return file_error("cannot be made", part, err);
    dw_buf_init(&text, TEXT_MAX);
    for (size_t i = 0; i < count; i++) {
        dw_buf_append_text(&text, lines[i].text);
        dw_buf_append_char(&text, '\n');
    }
    bool written = dw_buf_ok(&text) && write_all(fd, &text);
    dw_buf_done(&text);
    written = close(fd) == 0 && written;
    if (!written || rename(part, path) != 0 || !sync_folder(folder))
        return file_error("cannot be written", path, err);
    return DW_OK;
}

enum dw_rc dw_letter_archive_step(struct dw_state *state,
                                  const struct dw_reconciler_settings *settings,
                                  struct dw_arena *arena, bool *out_more, struct dw_err *err)
{
    const struct dw_letter_filter filter = {.state = dw_state_jobs_action_states(DW_LETTER_PURGE),
                                            .limit = PAGE};
    const struct dw_letter_line *lines = NULL;
    size_t count = 0;
    int64_t removed = 0;
    *out_more = false;
    if (!settings->letter_retention_hours)
        return DW_OK;
    int64_t before_us = dw_clock_wall_us() - settings->letter_retention_hours * HOUR_US;
    enum dw_rc rc = dw_state_archive_export(state, &filter, before_us, arena, &lines, &count, err);
    if (rc || !count)
        return rc;
    if (*settings->letter_archive)
        rc = write_file(settings->letter_archive, lines, count, arena, err);
    if (rc)
        return rc;
    dw_fault("reconciler.after_archive");
    int64_t *ids = DW_ARENA_ARRAY(arena, int64_t, count);
    for (size_t i = 0; i < count; i++)
        ids[i] = lines[i].id;
    rc = dw_state_archive_remove(state, ids, count, &removed, err);
    if (!rc)
        dw_log(DW_LOG_INFO, "letters.retired", "dead letters that ended long ago left the index",
               DW_F_INT("letters", removed), DW_F_TEXT("archive", settings->letter_archive));
    *out_more = removed > 0;
    return rc;
}
