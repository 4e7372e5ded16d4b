/* What a command prints; see output.h. */
#include "loader/output.h"

#include <stdio.h>

enum err
output_end(enum err err, struct errmsg *msg)
{
    if (err < 0 || (fflush(stdout) == 0 && !ferror(stdout)))
        return err;
    return errmsg_set(msg, ERR_IO, "standard output can't be written");
}
