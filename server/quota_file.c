/* The file by which a day's counts outlive the process; see quota.h. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "server/quota.h"
#include "zones/fnv.h"
#include "zones/log.h"

enum { LINE_SIZE = 128 };

static bool
take_line(struct quota_table *table, const char *line, int64_t now_s)
{
    char id[KEY_ID_SIZE] = "";
    uint64_t day, used;
    int end = -1;
    if (sscanf(line, "%" SCNu64 " %32[a-z0-9_-] %" SCNu64 "%n", &day, id, &used, &end) != 3 ||
        line[end] != '\n' || used > KEY_PER_DAY_MOST)
        return false;
    if (day != (uint64_t)now_s / QUOTA_DAY_S)
        return true;
    unsigned i = 0;
    while (i < table->count && strcmp(table->ids[i], id) != 0)
        i++;
    if (i == KEYS_MAX)
        return false;
    if (i == table->count)
        memcpy(table->ids[table->count++], id, sizeof id);
    quota_set_day_used(&table->slots[i], now_s, used);
    return true;
}

unsigned
quota_table_read(struct quota_table *table, FILE *file, int64_t now_s)
{
    char line[LINE_SIZE];
    unsigned bad = 0;
    while (fgets(line, sizeof line, file) != NULL)
        bad += line[0] != '#' && !take_line(table, line, now_s);
    return bad;
}

/* So that the file is written only when it would say something else. */
static uint64_t
digest(const struct quota_table *table, int64_t now_s)
{
    uint64_t hash = FNV_START;
    for (unsigned i = 0; i < table->count; i++) {
        uint64_t used = quota_day_used(&table->slots[i], now_s);
        hash = fnv_add(hash, &used, sizeof used);
    }
    return hash;
}

void
quota_table_load(struct quota_table *table, const char *path, int64_t now_s)
{
    FILE *file = fopen(path, "re");
    if (file == NULL && errno != ENOENT)
        log_line(LOG_LEVEL_WARNING, "%s: %s; the keys' quotas of today begin anew", path,
            strerror(errno));
    if (file == NULL)
        return;
    unsigned bad = quota_table_read(table, file, now_s);
    if (bad > 0)
        log_line(LOG_LEVEL_WARNING, "%s: %u damaged lines; those keys' quotas of today begin anew",
            path, bad);
    (void)fclose(file);
    table->written = digest(table, now_s);
}

void
quota_table_print(const struct quota_table *table, int64_t now_s, FILE *out)
{
    (void)fputs("# repdnsd: day since 1970, key's id, queries taken from its quota\n", out);
    for (unsigned i = 0; i < table->count; i++) {
        uint64_t used = quota_day_used(&table->slots[i], now_s);
        if (used != 0)
            (void)fprintf(out, "%" PRIu64 " %s %" PRIu64 "\n", (uint64_t)now_s / QUOTA_DAY_S,
                table->ids[i], used);
    }
}

static bool
replace(const struct quota_table *table, const char *path, int64_t now_s)
{
    char new[PATH_MAX];
    if (snprintf(new, sizeof new, "%s.new", path) >= (int)sizeof new) {
        errno = ENAMETOOLONG;
        return false;
    }
    FILE *file = fopen(new, "we");
    if (file == NULL)
        return false;
    quota_table_print(table, now_s, file);
    bool good = ferror(file) == 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
    good = fclose(file) == 0 && good;
    return good && rename(new, path) == 0;
}

void
quota_table_save(struct quota_table *table, const char *path, int64_t now_s)
{
    uint64_t now = digest(table, now_s);
    if (table->count == 0 || now == table->written)
        return;
    bool good = replace(table, path, now_s);
    if (!good && !table->failed)
        log_line(LOG_LEVEL_ERROR,
            "%s: %s; a restart would give the keys their quotas of today again", path,
            strerror(errno));
    table->failed = !good;
    if (good)
        table->written = now;
}
