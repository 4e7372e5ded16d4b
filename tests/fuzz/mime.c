/* A mail from anywhere: what is attached to it lies inside it, one behind the other. */
#include <stdlib.h>

#include "loader/src_mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text mail = {(const char *)data, size}, attached;
    size_t at = 0, before = 0;

    while (mime_attached(mail, &at, &attached)) {
        if (at <= before || at > size || attached.p < mail.p + before ||
            attached.p + attached.n > mail.p + size)
            abort();
        before = at;
    }
    return 0;
}
