/* repdns dump --as json: a line for each value of each entry; see tools.h. */
#include <string.h>

#include "loader/jsonline.h"
#include "loader/lists.h"
#include "loader/listtext.h"
#include "tools/tools.h"
#include "tools/valuejson.h"

struct json {
    FILE *out;
    enum list_type type;
};

/* With "a" and "txt", or what an access list does. */
static enum err
print_element(const struct json *json, const char *key, const struct value_element *element)
{
    const char *action = json->type == LIST_ACL ? text_action(element->a) : NULL;
    json_t *object = json_object();
    jsonline_set(&object, "key", jsonline_string(key));
    if (action != NULL)
        jsonline_set(&object, "action", json_string(action));
    else
        jsonline_set(&object, "a", jsonline_a(element->a));
    if (action == NULL && element->has_txt)
        jsonline_set(&object, "txt", jsonline_text(element->txt));
    return jsonline_print(json->out, object);
}

static enum err
print_entry(void *ctx, const struct listfile_entry *entry, struct slice value)
{
    const struct json *json = ctx;
    struct listfile_entry plain = *entry;
    struct value_element element;
    char key[LISTTEXT_KEY_SIZE];
    enum err err;
    plain.excluded = false;
    (void)listtext_key(&plain, json->type, key);
    if (entry->excluded) {
        const struct jsonline_member members[] = {
            {"key", jsonline_string(key)}, {"excluded", json_true()}};
        return jsonline_print_members(json->out, members, sizeof members / sizeof *members);
    }
    while ((err = value_next(&value, &element)) == ERR_OK) {
        err = print_element(json, key, &element);
        if (err < 0)
            return err;
    }
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static enum err
print_record(FILE *out, const struct recordset_entry *entry)
{
    char name[DNAME_TEXT_SIZE];
    (void)dname_format(&entry->name, name);
    bool at = strcmp(name, "@") == 0; /* a label, not the apex */
    const char *key = entry->name.len == 1 ? "@" : at ? "\\@" : name;
    const struct jsonline_member members[] = {{"key", json_string(key)},
        {"type", json_string(text_type(entry->rr.type))}, {"data", valuejson_record(&entry->rr)}};
    json_t *object = jsonline_object(members, sizeof members / sizeof *members);
    if (entry->rr.ttl_s > 0)
        jsonline_set(&object, "ttl", json_integer(entry->rr.ttl_s));
    return jsonline_print(out, object);
}

/* A section's line goes before its entries. */
static enum err
print_section(const struct list_dump *dump, unsigned part)
{
    const struct publish_set *set = lists_set(dump->set);
    json_t *zones = json_array();
    for (size_t i = 0; i < set->zone_count; i++)
        for (unsigned k = 0; k < set->zones[i].count; k++) {
            char name[DNAME_TEXT_SIZE];
            if (set->zones[i].ids[k] != part)
                continue;
            (void)dname_format(&set->zones[i].zone, name);
            bool self = set->zones[i].zone.len == 1;
            jsonline_append(&zones, json_string(self ? "@" : name));
        }
    const struct jsonline_member members[] = {{"section", json_integer((json_int_t)part)},
        {"type", json_string(list_type_info(dump->type)->name)}, {"zones", zones}};
    return jsonline_print_members(dump->out, members, sizeof members / sizeof *members);
}

static enum err
print_part(struct list_dump *dump, unsigned part, void *ctx)
{
    struct json json = {.out = dump->out, .type = dump->type};
    const struct publish_set *set = dump->entries;
    enum err err = part > 0 ? print_section(dump, part) : ERR_OK;
    (void)ctx;
    for (size_t i = 0; err == ERR_OK && set->rrs != NULL && i < set->count; i++)
        err = print_record(dump->out, &set->rrs[i]);
    if (err < 0 || set->rrs != NULL)
        return err;
    return listtext_each(json.type, set, print_entry, &json);
}

enum err
dump_json(struct list_dump *dump)
{
    return dump_parts(dump, print_part, NULL);
}
