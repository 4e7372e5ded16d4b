/* repdns dump --as: a list as other programs read it; the form of rbldnsd's files. See tools.h. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "loader/lists.h"
#include "loader/listtext.h"
#include "tools/tools.h"
#include "zones/be.h"

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
        const char *action = rbldnsd->type == LIST_ACL ? text_action(element->a) : NULL;
        if (action != NULL)
            (void)snprintf(rbldnsd->text, sizeof rbldnsd->text, ":%s", action);
        else if (listtext_value(&rbldnsd->values, element, rbldnsd->text) == 0)
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

/* A name that begins no comment, directive or word with a meaning. */
static void
print_name(FILE *out, const struct dname *name, const char *root)
{
    char text[DNAME_TEXT_SIZE];
    (void)dname_format(name, text);
    if (name->len == 1)
        strcpy(text, root);
    else if (strchr("#;!:$*@-", text[0]) != NULL)
        fputc('\\', out);
    fputs(text, out);
}

static void
print_authority(FILE *out, const struct authority *authority)
{
    const struct soa *soa = &authority->soa;
    if (authority->has_soa) {
        fprintf(out, "$SOA %" PRIu32 " ", soa->ttl_s);
        print_name(out, &soa->mname, ".");
        fputc(' ', out);
        print_name(out, &soa->rname, ".");
        fprintf(out, " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 "\n",
            authority->serial, soa->refresh_s, soa->retry_s, soa->expire_s, soa->minimum_s);
    }
    if (authority->ns_count > 0)
        fprintf(out, "$NS %" PRIu32, authority->ns_ttl_s);
    for (unsigned i = 0; i < authority->ns_count; i++) {
        fputc(' ', out);
        print_name(out, &authority->ns[i], ".");
    }
    fputs(authority->ns_count > 0 ? "\n" : "", out);
}

/* A text is taken as it is between its quotes. */
static void
print_record(FILE *out, const struct recordset_entry *entry)
{
    const uint8_t *rdata = entry->rr.rdata.p;
    const char *type = text_type(entry->rr.type);
    struct dname name;
    print_name(out, &entry->name, "@");
    if (entry->rr.ttl_s > 0)
        fprintf(out, " %" PRIu32, entry->rr.ttl_s);
    fprintf(out, " %s ", type);
    if (strcmp(type, "TXT") == 0) {
        fputc('"', out);
        (void)fwrite(rdata + 1, 1, entry->rr.rdata.n - 1, out);
        fputc('"', out);
    } else if (strcmp(type, "A") == 0) {
        text_a(out, (uint32_t)be_get(rdata, 4));
    } else if (dname_from_wire(rdata + 2, entry->rr.rdata.n - 2, &name) == ERR_OK) {
        fprintf(out, "%u ", (unsigned)be_get(rdata, 2));
        print_name(out, &name, ".");
    }
    fputc('\n', out);
}

static enum err
print_part(struct list_dump *dump, unsigned part, void *ctx)
{
    const struct publish_set *set = dump->entries;
    struct rbldnsd *rbldnsd = ctx;
    *rbldnsd = (struct rbldnsd){.out = dump->out, .type = dump->type};
    if (part > 0) {
        fprintf(dump->out, "$DATASET %s", list_type_info(dump->type)->name);
        dump_part_zones(dump, part);
        fputc('\n', dump->out);
    }
    if (part > 0 && set->info.ttl_s > 0)
        fprintf(dump->out, "$TTL %" PRIu32 "\n", set->info.ttl_s);
    for (size_t i = 0; set->rrs != NULL && i < set->count; i++)
        print_record(dump->out, &set->rrs[i]);
    if (set->rrs != NULL)
        return ERR_OK;
    enum err err = listtext_each(dump->type, set, look_entry, rbldnsd);
    if (err == ERR_OK && rbldnsd->values.has_base)
        fprintf(dump->out, "$= %.*s\n", (int)rbldnsd->values.n, rbldnsd->values.base);
    if (err == ERR_OK)
        err = listtext_each(dump->type, set, print_entry, rbldnsd);
    return err;
}

enum err
dump_rbldnsd(struct list_dump *dump)
{
    const struct publish_set *set = lists_set(dump->set);
    struct rbldnsd rbldnsd;
    enum err err = ERR_OK;
    fprintf(dump->out, "# %s, written by repdns dump\n", list_type_info(dump->source->type)->name);
    if (set->authority != NULL)
        print_authority(dump->out, set->authority);
    if (set->info.ttl_s > 0)
        fprintf(dump->out, "$TTL %" PRIu32 "\n", set->info.ttl_s);
    if (set->info.expires_s > 0)
        err = print_expiry(dump->out, set->info.expires_s);
    return err < 0 ? err : dump_parts(dump, print_part, &rbldnsd);
}

void
dump_part_zones(const struct list_dump *dump, unsigned part)
{
    const struct publish_set *set = lists_set(dump->set);
    for (size_t i = 0; i < set->zone_count; i++)
        for (unsigned k = 0; k < set->zones[i].count; k++) {
            if (set->zones[i].ids[k] != part)
                continue;
            fputc(' ', dump->out);
            print_name(dump->out, &set->zones[i].zone, "@");
        }
}

enum err
dump_parts(struct list_dump *dump, list_part_fn each, void *ctx)
{
    size_t count;
    const struct publish_set *parts = lists_parts(dump->set, &count);
    enum err err = ERR_OK;
    dump->entries = lists_set(dump->set);
    dump->type = dump->source->type;
    if (dump->type != LIST_COMBINED)
        return each(dump, 0, ctx);
    for (unsigned i = 0; i < count && err == ERR_OK; i++) {
        dump->entries = &parts[i];
        dump->type = lists_part_type(dump->set, i);
        err = each(dump, i + 1, ctx);
    }
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
