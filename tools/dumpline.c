/* Lines of a dump; see dumpline.h. */
#include "tools/dumpline.h"

#include <inttypes.h>
#include <string.h>

#include "loader/jsonline.h"
#include "loader/output.h"
#include "tools/tools.h"
#include "tools/valuejson.h"

void
dumpline_begin(struct dumpline *line, const char *kind)
{
    if (line->json) {
        line->object = json_object();
        jsonline_set(&line->object, "record", json_string(kind));
    } else {
        fputs(kind, line->out);
    }
}

void
dumpline_begin_of(struct dumpline *line, const char *kind, const char *dataset)
{
    dumpline_begin(line, kind);
    dumpline_string(line, BARE, "dataset", dataset);
}

void
dumpline_end(struct dumpline *line)
{
    if (!line->json) {
        fputc('\n', line->out);
        return;
    }
    enum err err = jsonline_print(line->out, line->object);
    line->object = NULL;
    if (err < 0)
        line->err = err;
}

void
dumpline_word(struct dumpline *line, const char *word)
{
    if (!line->json)
        fprintf(line->out, " %s", word);
}

static void
print_key(FILE *out, const char *key)
{
    fputc(' ', out);
    for (const char *c = key; *c != '\0'; c++)
        fputc(*c == '_' ? '-' : *c, out);
}

/* What precedes a field in text. */
static void
begin_field(struct dumpline *line, enum dumpline_how how, const char *key)
{
    if (how == NAMED)
        print_key(line->out, key);
    fputc(' ', line->out);
}

static void
set(struct dumpline *line, const char *key, json_t *value)
{
    if (line->list_key != NULL)
        jsonline_append(&line->list, value);
    else
        jsonline_set(&line->object, key, value);
}

void
dumpline_flag(struct dumpline *line, const char *key, const char *word, bool is_set)
{
    if (!is_set)
        return;
    if (line->json)
        set(line, key, json_true());
    else
        dumpline_word(line, word);
}

void
dumpline_string(struct dumpline *line, enum dumpline_how how, const char *key, const char *text)
{
    if (line->json) {
        set(line, key, jsonline_string(text));
        return;
    }
    begin_field(line, how, key);
    fputs(text, line->out);
}

void
dumpline_quoted(struct dumpline *line, enum dumpline_how how, const char *key, struct slice text)
{
    if (line->json) {
        set(line, key, jsonline_text(text));
        return;
    }
    begin_field(line, how, key);
    output_quoted(line->out, text);
}

void
dumpline_count(struct dumpline *line, enum dumpline_how how, const char *key, uint64_t count)
{
    if (line->json) {
        set(line, key, jsonline_count(count));
        return;
    }
    begin_field(line, how, key);
    fprintf(line->out, "%" PRIu64, count);
}

void
dumpline_hex(
    struct dumpline *line, enum dumpline_how how, const char *key, int digits, uint64_t number)
{
    char text[17];
    snprintf(text, sizeof text, "%0*" PRIx64, digits, number);
    dumpline_string(line, how, key, text);
}

void
dumpline_weight(struct dumpline *line, enum dumpline_how how, const char *key, double weight)
{
    if (line->json) {
        set(line, key, jsonline_number(weight));
        return;
    }
    begin_field(line, how, key);
    fprintf(line->out, "%.2f", weight);
}

void
dumpline_time(struct dumpline *line, enum dumpline_how how, const char *key, int64_t when_s)
{
    if (line->json) {
        set(line, key, jsonline_time(when_s));
        return;
    }
    begin_field(line, how, key);
    text_time(line->out, when_s);
}

void
dumpline_ip(struct dumpline *line, enum dumpline_how how, const char *key, const struct ip *ip)
{
    char text[IP_TEXT_SIZE];
    ip_format(ip, text);
    dumpline_string(line, how, key, text);
}

void
dumpline_name(
    struct dumpline *line, enum dumpline_how how, const char *key, const struct dname *name)
{
    char text[DNAME_TEXT_SIZE];
    (void)dname_format(name, text);
    dumpline_string(line, how, key, text);
}

void
dumpline_range(struct dumpline *line, const struct range *range)
{
    if (line->json) {
        set(line, "first", jsonline_ip(&range->first));
        set(line, "last", jsonline_ip(&range->last));
        return;
    }
    fputc(' ', line->out);
    text_range(line->out, range);
}

void
dumpline_value(struct dumpline *line, struct slice value)
{
    if (line->json) {
        set(line, "values", valuejson(value));
        return;
    }
    fputc(' ', line->out);
    text_value(line->out, value);
}

void
dumpline_list_begin(struct dumpline *line, enum dumpline_how how, const char *key)
{
    line->list_key = key;
    line->list = line->json ? json_array() : NULL;
    if (!line->json && how == NAMED)
        print_key(line->out, key);
}

void
dumpline_list_end(struct dumpline *line)
{
    const char *key = line->list_key;
    line->list_key = NULL;
    if (line->json)
        set(line, key, line->list);
    line->list = NULL;
}
