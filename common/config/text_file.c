/* text_file.c - see text_file.h. */
#include "common/config/text_file.h"

#include "common/base/err.h"
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *why(struct dw_arena *arena, int number)
{
    char text[128];
    return dw_arena_printf(arena, "%s", dw_err_errno_text(number, text, sizeof text));
}

static const char *read_all(int fd, size_t max_bytes, struct dw_arena *arena, struct dw_str *out)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return why(arena, errno);
    if (S_ISDIR(info.st_mode))
        return "it is a folder";
    if (S_ISREG(info.st_mode) && (uintmax_t)info.st_size > max_bytes)
        return dw_arena_printf(arena, "it is larger than %zu bytes", max_bytes);
    /* a pipe (process substitution) tells no size */
    size_t room = (info.st_size > 0 ? (size_t)info.st_size : max_bytes) + 1;
    char *text = dw_arena_alloc(arena, room + 1);
    size_t len = 0;
    while (len < room) {
        ssize_t got = read(fd, text + len, room - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return why(arena, errno);
        if (got == 0)
            break;
        len += (size_t)got;
    }
    if (len == room)
        return dw_arena_printf(arena, "it is larger than %zu bytes, or grew while being read",
                               room - 1);
    text[len] = '\0';
    *out = (struct dw_str){text, len};
    return NULL;
}

const char *dw_text_file_read(const char *path, size_t max_bytes, struct dw_arena *arena,
                              struct dw_str *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return why(arena, errno);
    const char *fault = read_all(fd, max_bytes, arena, out);
    (void)close(fd); /* nothing was written */
    return fault;
}
