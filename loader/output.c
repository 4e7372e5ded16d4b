/* What a command prints; see output.h. */
#include "loader/output.h"

enum err
output_end(enum err err, struct errmsg *msg)
{
    if (err < 0 || (fflush(stdout) == 0 && !ferror(stdout)))
        return err;
    return errmsg_set(msg, ERR_IO, "standard output can't be written");
}

void
output_quoted(FILE *out, struct slice text)
{
    const unsigned char *p = text.p;
    fputc('"', out);
    for (size_t i = 0; i < text.n; i++)
        if (p[i] < ' ' || p[i] > 126)
            fprintf(out, "\\x%02x", p[i]);
        else
            fprintf(out, "%s%c", p[i] == '"' || p[i] == '\\' ? "\\" : "", p[i]);
    fputc('"', out);
}
