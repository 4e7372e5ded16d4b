/* repdns dump --as: a list as other programs read it; the form of rbldnsd's files. See tools.h. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "loader/lists.h"
#include "loader/listtext.h"
#include "tools/tools.h"

/* rbldnsd's form. Lines with the first value of all have none: it is the default. */
struct rbldnsd {
    FILE *out;
    enum list_type type;
    struct listtext_values values;
    bool has_default, has_last;
    char def[LISTTEXT_VALUE_SIZE];
    struct value_element last; /* written last, as: */
    char text[LISTTEXT_VALUE_SIZE];
};

static enum err
look_entry(void *ctx, const struct listfile_entry *entry, struct slice value)
{
    struct rbldnsd *rbldnsd = ctx;
    struct value_element element;
    enum err err;
    (void)entry;
    while ((err = value_next(&value, &element)) == ERR_OK) {
        err = listtext_look(&rbldnsd->values, &element);
        if (err < 0)
            return err;
    }
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* Most lists have few values, in long runs. */
static bool
same_element(const struct value_element *a, const struct value_element *b)
{
    return a->a == b->a && a->has_txt == b->has_txt &&
           (!a->has_txt || slice_cmp(a->txt, b->txt) == 0);
}

static enum err
print_line(struct rbldnsd *rbldnsd, const char *key, const struct value_element *element)
{
    if (!rbldnsd->has_last || !same_element(&rbldnsd->last, element)) {
        if (listtext_value(&rbldnsd->values, element, rbldnsd->text) == 0)
            return ERR_RANGE;
        rbldnsd->has_last = true;
        rbldnsd->last = *element;
    }
    if (!rbldnsd->has_default) {
        rbldnsd->has_default = true;
        strcpy(rbldnsd->def, rbldnsd->text);
        fprintf(rbldnsd->out, "%s\n", rbldnsd->def);
    }
    bool is_default = strcmp(rbldnsd->def, rbldnsd->text) == 0;
    if (!is_default && list_type_info(rbldnsd->type)->values == LIST_VALUES_ONE)
        return ERR_RANGE;
    fprintf(rbldnsd->out, "%s%s%s\n", key, is_default ? "" : " ", is_default ? "" : rbldnsd->text);
    return ERR_OK;
}

static enum err
print_entry(void *ctx, const struct listfile_entry *entry, struct slice value)
{
    struct rbldnsd *rbldnsd = ctx;
    struct value_element element;
    char key[LISTTEXT_KEY_SIZE];
    enum err err;
    (void)listtext_key(entry, rbldnsd->type, key);
    if (entry->excluded) {
        fprintf(rbldnsd->out, "%s\n", key);
        return ERR_OK;
    }
    while ((err = value_next(&value, &element)) == ERR_OK) {
        err = print_line(rbldnsd, key, &element);
        if (err < 0)
            return err;
    }
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* A stamp has years to 2038. */
static enum err
print_expiry(FILE *out, int64_t expires_s)
{
    time_t when = (time_t)expires_s;
    struct tm utc;
    if (gmtime_r(&when, &utc) == NULL || utc.tm_year + 1900 < 1970 || utc.tm_year + 1900 > 2038)
        return ERR_RANGE;
    fprintf(out, "$TIMESTAMP 0 %04d:%02d:%02d:%02d:%02d:%02d\n", utc.tm_year + 1900, utc.tm_mon + 1,
        utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
    return ERR_OK;
}

enum err
dump_rbldnsd(const struct list_dump *dump)
{
    const struct publish_set *set = lists_set(dump->set);
    struct rbldnsd rbldnsd = {.out = dump->out, .type = dump->source->type};
    enum err err = listtext_each(rbldnsd.type, set, look_entry, &rbldnsd);
    if (err < 0)
        return err;
    fprintf(dump->out, "# %s, written by repdns dump\n", list_type_info(rbldnsd.type)->name);
    if (set->info.ttl_s > 0)
        fprintf(dump->out, "$TTL %" PRIu32 "\n", set->info.ttl_s);
    if (set->info.expires_s > 0)
        err = print_expiry(dump->out, set->info.expires_s);
    if (rbldnsd.values.has_base)
        fprintf(dump->out, "$= %.*s\n", (int)rbldnsd.values.n, rbldnsd.values.base);
    if (err == ERR_OK)
        err = listtext_each(rbldnsd.type, set, print_entry, &rbldnsd);
    return err;
}

static const struct {
    const char *name;
    list_dump_fn dump;
} forms[] = {{"rbldnsd", dump_rbldnsd}, {"bind", dump_bind}, {"json", dump_json}};

static const struct list_source *
find_list(const struct conf *conf, const char *name, struct errmsg *msg)
{
    char names[512] = "";
    for (unsigned i = 0; i < conf->list_count; i++) {
        size_t used = strlen(names);
        if (name != NULL && strcmp(conf->lists[i].name, name) == 0)
            return &conf->lists[i];
        (void)snprintf(names + used, sizeof names - used, " %s", conf->lists[i].name);
    }
    (void)errmsg_set(msg, ERR_SYNTAX, "dump --as: %s%.100s%s; the lists are:%s",
        name == NULL ? "name a list" : "there is no list \"", name == NULL ? "" : name,
        name == NULL ? "" : "\"", names[0] != '\0' ? names : " none");
    return NULL;
}

enum exit_code
dump_list_as(const struct tool *tool, const char *name, struct errmsg *msg)
{
    struct list_dump dump = {.out = tool->out, .conf = tool->conf};
    struct list_set *set;
    size_t form = 0;
    while (form < sizeof forms / sizeof *forms && strcmp(forms[form].name, tool->as) != 0)
        form++;
    if (form == sizeof forms / sizeof *forms) {
        (void)errmsg_set(msg, ERR_SYNTAX,
            "dump: there is no form \"%.100s\"; use --as rbldnsd, bind or json", tool->as);
        return EXIT_USAGE;
    }
    dump.source = find_list(tool->conf, name, msg);
    if (dump.source == NULL)
        return EXIT_USAGE;
    enum err err = lists_flatten(tool->conf, dump.source, &set, msg);
    if (err < 0)
        return tool_exit(err);
    dump.set = set;
    err = forms[form].dump(&dump);
    lists_free(&set);
    if (err < 0)
        (void)errmsg_set(msg, err,
            "list %s has a value that can't be written as %s; use another form", dump.source->name,
            tool->as);
    return tool_exit(err);
}
