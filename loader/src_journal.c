/* The journal's export format. See src_journal.h. */
#include "loader/src_journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum field { FIELD_TIME, FIELD_HOST, FIELD_PROGRAM, FIELD_PID, FIELD_OWN_PID, FIELD_TEXT, FIELDS };

static const struct {
    const char *name;
    size_t most; /* longer values are cut */
} fields[FIELDS] = {
    [FIELD_TIME] = {"__REALTIME_TIMESTAMP", 20},
    [FIELD_HOST] = {"_HOSTNAME", 255},
    [FIELD_PROGRAM] = {"SYSLOG_IDENTIFIER", 64},
    [FIELD_PID] = {"SYSLOG_PID", 10},
    [FIELD_OWN_PID] = {"_PID", 10},
    [FIELD_TEXT] = {"MESSAGE", LOGREAD_LINE_MAX},
};

struct journal {
    size_t len[FIELDS];
    char value[FIELDS][LOGREAD_LINE_MAX];
    char line[2 * LOGREAD_LINE_MAX];
};

bool
journal_begins(struct text line)
{
    return text_begins(line, "__CURSOR=") || text_begins(line, "__REALTIME_TIMESTAMP=");
}

enum err
journal_new(struct journal **out)
{
    *out = calloc(1, sizeof **out);
    return *out == NULL ? ERR_NOMEM : ERR_OK;
}

void
journal_free(struct journal **journal)
{
    free(*journal);
    *journal = NULL;
}

static enum field
find_field(struct text name)
{
    enum field i = 0;

    while (i < FIELDS && (name.n != strlen(fields[i].name) || !text_begins(name, fields[i].name)))
        i++;
    return i;
}

/* False where the input ends inside. */
static bool
take_binary(struct journal *journal, struct logread *reader, enum field field)
{
    uint8_t length[8];
    uint64_t n = 0;
    char newline;

    if (!logread_take(reader, length, sizeof length))
        return false;
    for (unsigned i = sizeof length; i > 0; i--)
        n = n << 8 | length[i - 1];
    size_t kept = field == FIELDS || journal->len[field] > 0 ? 0 : fields[field].most;
    kept = n < kept ? (size_t)n : kept;
    if (kept > 0) {
        if (!logread_take(reader, journal->value[field], kept))
            return false;
        journal->len[field] = kept;
    }
    return logread_take(reader, NULL, n - kept) && logread_take(reader, &newline, 1);
}

static void
take_text(struct journal *journal, enum field field, struct text value)
{
    if (field == FIELDS || journal->len[field] > 0)
        return;
    value = text_until(value, fields[field].most);
    memcpy(journal->value[field], value.p, value.n);
    journal->len[field] = value.n;
}

/* "2026-11-24T03:25:01Z host program[pid]: text". False for an entry without what a line needs. */
static bool
compose(struct journal *journal, struct text *line)
{
    struct text value[FIELDS];
    unsigned long long us = 0;
    struct tm utc;
    char stamp[32];

    for (unsigned i = 0; i < FIELDS; i++)
        value[i] = (struct text){journal->value[i], journal->len[i]};
    if (value[FIELD_PID].n == 0)
        value[FIELD_PID] = value[FIELD_OWN_PID];
    for (size_t i = 0; i < value[FIELD_TIME].n && text_is_digit(value[FIELD_TIME].p[i]); i++)
        us = us * 10 + (unsigned)(value[FIELD_TIME].p[i] - '0');
    const time_t when = (time_t)(us / 1000000);
    /* A program may call itself anything. */
    if (value[FIELD_TEXT].n == 0 || value[FIELD_PROGRAM].n == 0 ||
        text_before(value[FIELD_PROGRAM], " :[]\n").n < value[FIELD_PROGRAM].n ||
        text_before(value[FIELD_HOST], " :[]\n").n < value[FIELD_HOST].n ||
        gmtime_r(&when, &utc) == NULL ||
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        return false;
    int n = snprintf(journal->line, sizeof journal->line, "%s %.*s%s%.*s[%.*s]: %.*s", stamp,
        (int)value[FIELD_HOST].n, value[FIELD_HOST].p, value[FIELD_HOST].n > 0 ? " " : "",
        (int)value[FIELD_PROGRAM].n, value[FIELD_PROGRAM].p, (int)value[FIELD_PID].n,
        value[FIELD_PID].p, (int)value[FIELD_TEXT].n, value[FIELD_TEXT].p);
    *line = (struct text){journal->line, (size_t)n};
    return true;
}

bool
journal_line(struct journal *journal, struct logread *reader, struct text first, struct text *line)
{
    struct text in = first;

    memset(journal->len, 0, sizeof journal->len);
    for (;;) {
        bool more = in.n > 0 || logread_line(reader, &in);

        /* An empty line ends the entry. */
        if ((!more || in.n == 0) && compose(journal, line))
            return true;
        if (!more)
            return false;
        if (in.n == 0) {
            memset(journal->len, 0, sizeof journal->len);
            continue;
        }
        struct text name = text_before(in, "=");
        enum field field = find_field(name);

        if (name.n < in.n)
            take_text(journal, field, text_skip(in, name.n + 1));
        else if (!take_binary(journal, reader, field))
            return false;
        in.n = 0;
    }
}
