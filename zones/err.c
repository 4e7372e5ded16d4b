/* Names of errors, and messages for people. */
#include "err.h"

#include <stdio.h>

const char *
err_text(enum err err)
{
    static const struct {
        enum err err;
        const char *text;
    } names[] = {
        {ERR_OK, "success"},
        {ERR_NOTFOUND, "not found"},
        {ERR_SYNTAX, "syntax error"},
        {ERR_RANGE, "out of range"},
        {ERR_NOMEM, "out of memory"},
        {ERR_IO, "input/output error"},
        {ERR_FULL, "no room left"},
        {ERR_FORMAT, "damaged or of another version"},
        {ERR_BUSY, "busy"},
        {ERR_TIMEOUT, "timed out"},
        {ERR_REFUSED, "refused"},
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].err == err)
            return names[i].text;
    return "unknown error";
}

enum err
errmsg_set(struct errmsg *msg, enum err err, const char *format, ...)
{
    va_list ap;

    if (msg == NULL)
        return err;
    va_start(ap, format);
    (void)vsnprintf(msg->text, sizeof msg->text, format, ap);
    va_end(ap);
    return err;
}
