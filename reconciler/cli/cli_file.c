/* cli_file.c - see cli_file.h. */
#include "reconciler/cli/cli_file.h"

#include "reconciler/cli/cli_format.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static bool write_whole(const char *file, struct dw_str body)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    size_t done = 0;
    if (fd < 0)
        return false;
    while (done < body.len) {
        ssize_t wrote = write(fd, body.ptr + done, body.len - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            break;
        done += (size_t)wrote;
    }
    return close(fd) == 0 && done == body.len;
}

enum dw_cli_exit dw_cli_file_save(struct dw_cli *cli, const char *path, const char *file)
{
    char why[128];
    struct dw_cli_answer answer;
    enum dw_cli_exit code = dw_cli_ask(cli, "GET", path, (struct dw_str){NULL, 0}, &answer);
    if (code)
        return code;
    if (strcmp(file, "-") == 0) {
        (void)fwrite(answer.body.ptr, 1, answer.body.len, stdout);
        return DW_CLI_DONE;
    }
    const char *beside = dw_arena_printf(cli->arena, "%s.new", file);
    if (write_whole(beside, answer.body) && rename(beside, file) == 0) {
        printf("written to %s\n", dw_cli_format_safe(cli->arena, file));
        return DW_CLI_DONE;
    }
    const char *reason = dw_err_errno_text(errno, why, sizeof why);
    (void)unlink(beside);
    dw_cli_print_error(cli, "DW-API-052",
                       dw_arena_printf(cli->arena, "cannot write %s: %s",
                                       dw_cli_format_safe(cli->arena, file), reason));
    return DW_CLI_REFUSED;
}
