/* What an import came to, as rbldnsd says it; see watch.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "loader/lists.h"
#include "loader/watch.h"
#include "zones/log.h"

enum { NAMES_SIZE = 1024 };

/* "ip4set:FILE,FILE" */
static void
title_of(const struct list_source *list, char out[NAMES_SIZE])
{
    size_t n = 0;
    int k = snprintf(out, NAMES_SIZE, "%s:", list_type_info(list->type)->name);
    for (unsigned i = 0; i < list->file_count && k > 0; i++) {
        n += (size_t)k;
        if (n >= NAMES_SIZE)
            return;
        k = snprintf(out + n, NAMES_SIZE - n, "%s%s", i > 0 ? "," : "", list->files[i]);
    }
}

/* Of the newest file, in UTC. */
static void
stamp_of(const struct list_source *list, char out[32])
{
    time_t newest = 0;
    struct tm utc;
    for (unsigned i = 0; i < list->file_count; i++) {
        struct stat st;
        if (stat(list->files[i], &st) == 0 && st.st_mtime > newest)
            newest = st.st_mtime;
    }
    if (gmtime_r(&newest, &utc) == NULL || strftime(out, 32, "%Y%m%d %H%M%S", &utc) == 0)
        strcpy(out, "-");
}

void
watch_tell(const struct list_source *list, const struct list_stats *stats)
{
    char title[NAMES_SIZE], stamp[32], counts[128];
    title_of(list, title);
    stamp_of(list, stamp);
    listcount_format(&stats->counts, list->type, counts, sizeof counts);
    if (stats->warnings > 0)
        log_line(LOG_LEVEL_WARNING, "file %s", stats->first_warning);
    for (uint64_t i = 1; i < stats->warnings && i <= LIST_WARNINGS_MORE; i++)
        log_line(LOG_LEVEL_WARNING, "file %s", stats->more_warnings[i - 1]);
    if (stats->warnings > LIST_WARNINGS_MORE + 1)
        log_line(LOG_LEVEL_WARNING, "%s: %" PRIu64 " more warnings suppressed", title,
            stats->warnings - LIST_WARNINGS_MORE - 1);
    log_line(LOG_LEVEL_INFO, "%s: %s: %s", title, stamp, counts);
}
