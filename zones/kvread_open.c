/* Opening a reader: apart from kvread.c, for nothing here may run on the answer path. */
#include <stdlib.h>

#include "kvenv.h"
#include "kvread.h"
#include "kvread_internal.h"

enum err
kvread_open(const char *path, struct kvread **out, struct errmsg *msg)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return errmsg_set(msg, ERR_NOMEM, "%s: open: out of memory", path);
    struct kvread *reader = *out;
    reader->epoch = 1;
    const struct kvenv_options how = {.read_only = true};
    enum err err = kvenv_open(path, &how, &reader->env, &reader->dbi, msg);
    if (err == ERR_OK) {
        int rc = kvenv_begin(reader->env, MDB_RDONLY, &reader->txn);
        reader->held = rc == 0;
        if (rc == 0)
            rc = mdb_cursor_open(reader->txn, reader->dbi, &reader->cursor);
        if (rc != 0)
            err = kvenv_fail(path, "open", rc, msg);
    }
    if (err < 0)
        kvread_close(out);
    return err;
}

void
kvread_close(struct kvread **reader)
{
    struct kvread *r = *reader;
    if (r == NULL)
        return;
    if (r->cursor != NULL)
        mdb_cursor_close(r->cursor);
    if (r->txn != NULL)
        mdb_txn_abort(r->txn);
    if (r->env != NULL)
        mdb_env_close(r->env);
    free(r);
    *reader = NULL;
}
