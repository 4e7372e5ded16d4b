/* Configurations of mail programs from anywhere: a first byte says whose. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/mtause.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    size_t uses, lines;
};

static void
check_use(void *ctx, const struct mta_use *use)
{
    struct seen *seen = ctx;
    seen->uses++;
    if (use->zone[0] == '\0' || memchr(use->zone, '\0', sizeof use->zone) == NULL)
        abort();
    if (use->line == 0 || use->line > seen->lines || use->effect == 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const parsers[])(const char *, size_t, mta_use_fn, void *) = {
        mtause_postfix, mtause_exim, mtause_rspamd};
    struct seen seen = {.lines = 1};
    if (size == 0)
        return 0;
    /* Its own memory, so that a byte read too far is seen. */
    char *text = malloc(size > 1 ? size - 1 : 1);
    if (text == NULL)
        return 0;
    memcpy(text, data + 1, size - 1);
    for (size_t i = 0; i + 1 < size; i++)
        seen.lines += text[i] == '\n';
    parsers[data[0] % 3](text, size - 1, check_use, &seen);
    if (seen.uses > size)
        abort();
    free(text);
    return 0;
}
