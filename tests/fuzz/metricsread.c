/* The metrics of a server from anywhere, and what repdns stats makes of them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/stats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct metrics_reading reading;
    char *text = malloc(size + 1), *told = NULL;
    size_t told_n;
    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (metrics_parse(text, &reading) < 0)
        return 0;
    const struct stats stats = {.now = &reading, .before = &reading, .seconds = 1};
    FILE *out = open_memstream(&told, &told_n);
    if (out != NULL) {
        stats_print(&stats, out);
        (void)!stats_print_json(&stats, out);
        (void)fclose(out);
        /* Nothing can reach a terminal raw. */
        for (size_t i = 0; i < told_n; i++)
            if (told[i] != '\n' && (told[i] < ' ' || told[i] > '~'))
                abort();
    }
    free(told);
    metrics_reading_free(&reading);
    return 0;
}
