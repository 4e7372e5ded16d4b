/* Labelled mail and files of weights: neither is trusted to be what it should. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "loader/labelled.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Without the patterns of rdns.h, which take their time to be compiled. */
static void
walk(const struct labelled *labelled)
{
    for (size_t i = 1; i < labelled->count; i++)
        if (ip_cmp(&labelled->mails[i - 1].ip, &labelled->mails[i].ip) > 0)
            abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct labelled labelled;
    struct weights weights;
    struct errmsg msg;

    if (size == 0)
        return 0;
    FILE *in = fmemopen((void *)(uintptr_t)data, size, "r");
    if (in == NULL)
        return 0;
    if (labelled_read(in, "mail", &labelled, &msg) == ERR_OK) {
        walk(&labelled);
        labelled_free(&labelled);
    }
    rewind(in);
    if (weights_read(in, "weights", &weights, &msg) == ERR_OK)
        for (enum feature i = 0; i < FEATURE_COUNT; i++)
            if (!weights_allow(i, weights.of[i]))
                abort();
    (void)fclose(in);
    return 0;
}
