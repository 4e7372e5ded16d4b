/* A request for the metrics from anywhere, in one piece and as it comes byte by byte. */
#include <stdint.h>
#include <stdlib.h>

#include "server/metrics_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    bool head, again;
    enum metrics_verdict first = METRICS_MORE;
    if (size > METRICS_REQUEST_MAX)
        size = METRICS_REQUEST_MAX;
    enum metrics_verdict verdict = metrics_request_parse(bytes, size, &head);
    if (verdict == METRICS_MORE && size == METRICS_REQUEST_MAX)
        abort();
    if (head && verdict != METRICS_GOOD && verdict != METRICS_NOT_FOUND)
        abort();
    /* What was decided once stays so, whatever follows. */
    for (size_t n = 0; n <= size && first == METRICS_MORE; n++)
        first = metrics_request_parse(bytes, n, &again);
    if (first != verdict || again != head)
        abort();
    return 0;
}
