/* repdns dump --as json: a line for each value of each entry; see tools.h. */
#include <stdlib.h>
#include <string.h>

#include "loader/lists.h"
#include "loader/listtext.h"
#include "tools/json.h"
#include "tools/tools.h"

struct json {
    FILE *out;
    enum list_type type;
};

/* "a" and "txt", or what an access list does. */
static bool
set_value(json_t *object, enum list_type type, const struct value_element *element)
{
    char a[IP_TEXT_SIZE];
    const char *action = type == LIST_ACL ? text_action(element->a) : NULL;
    struct ip ip = ip_from_v4(element->a);
    if (action != NULL)
        return json_object_set_new(object, "action", json_string(action)) == 0;
    ip_format(&ip, a);
    bool whole = json_object_set_new(object, "a", json_string(a)) == 0;
    if (whole && element->has_txt)
        whole = json_object_set_new(object, "txt", tool_json_text(element->txt)) == 0;
    return whole;
}

static enum err
print_element(const struct json *json, const char *key, const struct value_element *element)
{
    json_t *object = json_object();
    /* These take the reference, and fail with a NULL. */
    bool whole = json_object_set_new(object, "key", json_string(key)) == 0 &&
                 set_value(object, json->type, element);
    return tool_json_line(json->out, object, whole);
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
        json_t *object = json_object();
        bool whole = json_object_set_new(object, "key", json_string(key)) == 0 &&
                     json_object_set_new(object, "excluded", json_true()) == 0;
        return tool_json_line(json->out, object, whole);
    }
    while ((err = value_next(&value, &element)) == ERR_OK) {
        err = print_element(json, key, &element);
        if (err < 0)
            return err;
    }
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* The data of a TXT is its text, that of others as in a zone file. */
static json_t *
record_data(const struct recordset_rr *rr)
{
    struct slice data = slice_of((const uint8_t *)rr->rdata.p + 1, rr->rdata.n - 1);
    if (strcmp(text_type(rr->type), "TXT") == 0)
        return tool_json_text(data);
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    if (out == NULL)
        return NULL;
    text_record(out, rr);
    json_t *string = NULL;
    if (fclose(out) == 0 && strchr(text, ' ') != NULL)
        string = json_string(strchr(text, ' ') + 1);
    free(text);
    return string;
}

static enum err
print_record(FILE *out, const struct recordset_entry *entry)
{
    char name[DNAME_TEXT_SIZE];
    json_t *object = json_object();
    (void)dname_format(&entry->name, name);
    bool at = strcmp(name, "@") == 0; /* a label, not the apex */
    const char *key = entry->name.len == 1 ? "@" : at ? "\\@" : name;
    bool whole = json_object_set_new(object, "key", json_string(key)) == 0 &&
                 json_object_set_new(object, "type", json_string(text_type(entry->rr.type))) == 0 &&
                 json_object_set_new(object, "data", record_data(&entry->rr)) == 0;
    if (whole && entry->rr.ttl_s > 0)
        whole = json_object_set_new(object, "ttl", json_integer(entry->rr.ttl_s)) == 0;
    return tool_json_line(out, object, whole);
}

/* A section's line goes before its entries. */
static enum err
print_section(const struct list_dump *dump, unsigned part)
{
    const struct publish_set *set = lists_set(dump->set);
    json_t *object = json_object(), *zones = json_array();
    bool whole =
        json_object_set_new(object, "section", json_integer((json_int_t)part)) == 0 &&
        json_object_set_new(object, "type", json_string(list_type_info(dump->type)->name)) == 0;
    for (size_t i = 0; i < set->zone_count; i++)
        for (unsigned k = 0; k < set->zones[i].count; k++) {
            char name[DNAME_TEXT_SIZE];
            if (set->zones[i].ids[k] != part)
                continue;
            (void)dname_format(&set->zones[i].zone, name);
            bool self = set->zones[i].zone.len == 1;
            whole = json_array_append_new(zones, json_string(self ? "@" : name)) == 0 && whole;
        }
    whole = json_object_set_new(object, "zones", zones) == 0 && whole;
    return tool_json_line(dump->out, object, whole);
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
