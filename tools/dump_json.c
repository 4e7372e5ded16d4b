/* repdns dump --as json: a line for each value of each entry; see tools.h. */
#include <jansson.h>
#include <stdlib.h>

#include "loader/lists.h"
#include "loader/listtext.h"
#include "tools/tools.h"

struct json {
    FILE *out;
    enum list_type type;
};

/* Text that is no UTF-8 is taken for Latin-1, byte by byte. NULL: out of memory. */
static json_t *
json_text(struct slice text)
{
    const unsigned char *in = text.p;
    json_t *string = json_stringn(text.p != NULL ? text.p : "", text.n);
    if (string != NULL)
        return string;
    char *utf8 = malloc(2 * text.n + 1);
    size_t n = 0;
    for (size_t i = 0; utf8 != NULL && i < text.n; i++) {
        if (in[i] >= 0x80)
            utf8[n++] = (char)(0xc0 | in[i] >> 6);
        utf8[n++] = (char)(in[i] < 0x80 ? in[i] : (0x80 | (in[i] & 0x3f)));
    }
    string = utf8 == NULL ? NULL : json_stringn(utf8, n);
    free(utf8);
    return string;
}

/* The object's line, which is freed. */
static enum err
print_object(FILE *out, json_t *object, bool whole)
{
    bool printed = whole && json_dumpf(object, out, 0) == 0;
    json_decref(object);
    if (printed)
        fputc('\n', out);
    /* What the stream could not take, main says. */
    return whole ? ERR_OK : ERR_NOMEM;
}

static enum err
print_element(const struct json *json, const char *key, const struct value_element *element)
{
    char a[IP_TEXT_SIZE];
    struct ip ip = ip_from_v4(element->a);
    json_t *object = json_object();
    ip_format(&ip, a);
    /* These take the reference, and fail with a NULL. */
    bool whole = json_object_set_new(object, "key", json_string(key)) == 0 &&
                 json_object_set_new(object, "a", json_string(a)) == 0;
    if (whole && element->has_txt)
        whole = json_object_set_new(object, "txt", json_text(element->txt)) == 0;
    return print_object(json->out, object, whole);
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
        return print_object(json->out, object, whole);
    }
    while ((err = value_next(&value, &element)) == ERR_OK) {
        err = print_element(json, key, &element);
        if (err < 0)
            return err;
    }
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

enum err
dump_json(const struct list_dump *dump)
{
    struct json json = {.out = dump->out, .type = dump->source->type};
    return listtext_each(json.type, lists_set(dump->set), print_entry, &json);
}
