/* Printing own edits; see listshow.h. */
#include "loader/listshow.h"

#include "loader/jsonline.h"
#include "loader/listedit.h"
#include "loader/listtext.h"
#include "loader/output.h"
#include "loader/status.h"

static const char *const edit_names[] = {[LIST_EDIT_ADD] = "add", [LIST_EDIT_DEL] = "del"};

static void
print_value(FILE *out, struct slice value)
{
    struct value_element element;
    while (value_next(&value, &element) == ERR_OK) {
        char a[IP_TEXT_SIZE];
        struct ip ip = ip_from_v4(element.a);
        ip_format(&ip, a);
        fprintf(out, " value %s", a);
        if (!element.has_txt)
            continue;
        fputc(' ', out);
        output_quoted(out, element.txt);
    }
}

static void
print_edit(FILE *out, const struct list_edit *edit, enum list_type type)
{
    char key[LISTTEXT_KEY_SIZE], added[STATUS_TIME_SIZE], expires[STATUS_TIME_SIZE];
    (void)listtext_key(&edit->entry, edit->type, key);
    status_time(edit->added_s, added);
    status_time(edit->expires_s, expires);
    fprintf(out, "%s %s added %s expires %s", edit_names[edit->kind], key, added,
        edit->expires_s == 0 ? "never" : expires);
    print_value(out, edit->value);
    if (edit->note.n > 0) {
        fputs(" note ", out);
        output_quoted(out, edit->note);
    }
    if (edit->type != type)
        fprintf(out, " not used, of type %s", list_type_info(edit->type)->name);
    fputc('\n', out);
}

static json_t *
values_json(struct slice value)
{
    json_t *list = json_array();
    struct value_element element;
    while (value_next(&value, &element) == ERR_OK) {
        json_t *object = json_object();
        jsonline_set(&object, "a", jsonline_a(element.a));
        if (element.has_txt)
            jsonline_set(&object, "txt", jsonline_text(element.txt));
        jsonline_append(&list, object);
    }
    return list;
}

static enum err
print_edit_json(FILE *out, const struct list_edit *edit, enum list_type type)
{
    char key[LISTTEXT_KEY_SIZE];
    (void)listtext_key(&edit->entry, edit->type, key);
    const struct jsonline_member members[] = {{"edit", json_string(edit_names[edit->kind])},
        {"key", jsonline_string(key)}, {"added", jsonline_time(edit->added_s)},
        {"expires", jsonline_time(edit->expires_s)}, {"values", values_json(edit->value)},
        {"note", edit->note.n > 0 ? jsonline_text(edit->note) : json_null()},
        {"type", json_string(list_type_info(edit->type)->name)},
        {"used", json_boolean(edit->type == type)}};
    return jsonline_print_members(out, members, sizeof members / sizeof *members);
}

enum err
listshow(FILE *out, const struct conf *conf, const struct list_source *source, bool json,
    struct errmsg *msg)
{
    struct list_layer layer;
    enum err err = listedit_read(conf, source->name, &layer, msg);
    for (size_t i = 0; err == ERR_OK && i < layer.count; i++)
        if (!json)
            print_edit(out, &layer.edits[i], source->type);
        else if (print_edit_json(out, &layer.edits[i], source->type) < 0)
            err = errmsg_set(msg, ERR_NOMEM, "out of memory");
    listlayer_free(&layer);
    return err;
}
