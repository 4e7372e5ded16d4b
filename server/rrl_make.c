/* The table of response rates; see rrl.h. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "server/cookie.h"
#include "server/rrl.h"

static size_t
size_of(const struct rrl *rrl)
{
    return (rrl->row_mask + (size_t)1) * sizeof *rrl->rows;
}

enum err
rrl_map(const struct rate_conf *conf, struct rrl *out, struct errmsg *msg)
{
    uint32_t rows = 1;
    *out = (struct rrl){.conf = conf};
    if (conf->responses + conf->nodata + conf->nxdomains + conf->errors + conf->all == 0)
        return ERR_OK;
    while (rows * RRL_WAYS < conf->table)
        rows *= 2;
    out->row_mask = rows - 1;
    void *memory =
        mmap(NULL, size_of(out), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return errmsg_set(
            msg, ERR_NOMEM, "no shared memory for the rate limits: %s", strerror(errno));
    out->rows = memory;
    return cookie_make_secret(&out->key, msg);
}

void
rrl_unmap(struct rrl *rrl)
{
    if (rrl->rows != NULL)
        (void)munmap(rrl->rows, size_of(rrl));
    rrl->rows = NULL;
}
