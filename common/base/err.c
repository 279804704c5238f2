/* err.c - see err.h. */
#include "common/base/err.h"

#include "common/base/utf8.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *dw_rc_name(enum dw_rc rc)
{
    switch (rc) {
    case DW_OK:
        return "ok";
    case DW_AGAIN:
        return "again";
    case DW_END:
        return "end";
    case DW_RETRY:
        return "retry";
    case DW_REJECT:
        return "reject";
    case DW_CONFLICT:
        return "conflict";
    case DW_CONFIG:
        return "config";
    case DW_FATAL:
        return "fatal";
    }
    return "unknown";
}

/* A line's end, with the next line's indentation, is one blank. Gives the new length. */
static size_t join_lines(char *message, size_t len)
{
    size_t to = 0;
    for (size_t i = 0; i < len; i++) {
        bool control = (unsigned char)message[i] < 0x20 || message[i] == 0x7f;
        if (!control)
            message[to++] = message[i];
        else if (to == 0 || message[to - 1] != ' ')
            message[to++] = ' ';
    }
    message[to] = '\0';
    return to;
}

/* A server's message may hold newlines and what it quotes from a row: one line, valid UTF-8. */
static void tidy_message(char *message, size_t written)
{
    static const char ellipsis[] = "\xe2\x80\xa6";
    size_t len = strlen(message);
    if (written >= DW_ERR_MESSAGE_MAX) {
        size_t cut = DW_ERR_MESSAGE_MAX - sizeof ellipsis;
        while (cut > 0 && ((unsigned char)message[cut] & 0xc0) == 0x80)
            cut--;
        memcpy(message + cut, ellipsis, sizeof ellipsis);
        len = cut + sizeof ellipsis - 1;
    }
    len = join_lines(message, len);
    while (len > 0 && message[len - 1] == ' ')
        message[--len] = '\0';
    if (!dw_utf8_valid(message, len))
        for (size_t i = 0; i < len; i++)
            if ((unsigned char)message[i] >= 0x80)
                message[i] = '?';
}

enum dw_rc dw_err_set(struct dw_err *err, enum dw_rc rc, const char *id, const char *format, ...)
{
    if (!err)
        return rc;
    err->rc = rc;
    err->sqlstate[0] = '\0';
    (void)snprintf(err->id, sizeof err->id, "%s", id);
    va_list args;
    va_start(args, format);
    int written = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    tidy_message(err->message, written < 0 ? 0 : (size_t)written);
    return rc;
}

void dw_err_add_context(struct dw_err *err, const char *format, ...)
{
    if (!err)
        return;
    char context[DW_ERR_MESSAGE_MAX];
    char whole[2 * DW_ERR_MESSAGE_MAX + 4];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(context, sizeof context, format, args);
    va_end(args);
    int written = snprintf(whole, sizeof whole, "%s: %s", context, err->message);
    size_t len = written < 0 ? 0 : (size_t)written;
    size_t kept = len < sizeof err->message ? len : sizeof err->message - 1;
    memcpy(err->message, whole, kept);
    err->message[kept] = '\0';
    tidy_message(err->message, len);
}

void dw_err_clear(struct dw_err *err)
{
    *err = (struct dw_err)DW_ERR_INIT;
}

static const struct dw_err_info catalogue[] = {
#define DW_ERR_ENTRY(id, title, cause, remedy) {id, title, cause, remedy},
#include "common/base/err_catalogue.h"
#undef DW_ERR_ENTRY
};

const struct dw_err_info *dw_err_catalogue(size_t *out_count)
{
    *out_count = sizeof catalogue / sizeof *catalogue;
    return catalogue;
}

const struct dw_err_info *dw_err_find(const char *id)
{
    for (size_t i = 0; i < sizeof catalogue / sizeof *catalogue; i++)
        if (strcmp(catalogue[i].id, id) == 0)
            return &catalogue[i];
    return NULL;
}

const char *dw_err_errno_text(int number, char *buffer, size_t size)
{
    return strerror_r(number, buffer, size);
}
