/* Stored values as JSON; see valuejson.h. */
#include "tools/valuejson.h"

#include <stdlib.h>
#include <string.h>

#include "loader/jsonline.h"
#include "tools/tools.h"

void
valuejson_reasons(json_t **list, struct reason_set reasons)
{
    while (!reasons_empty(reasons)) {
        enum reason reason = reasons_take(&reasons);
        const struct jsonline_member members[] = {
            {"reason", json_string(reason_info(reason)->name)},
            {"a", jsonline_a(reason_a(reason))}};
        jsonline_append(list, jsonline_object(members, sizeof members / sizeof *members));
    }
}

void
valuejson_literal(json_t **list, const struct value_element *element)
{
    json_t *object = json_object();
    jsonline_set(&object, "a", jsonline_a(element->a));
    if (element->has_txt)
        jsonline_set(&object, "txt", jsonline_text(element->txt));
    jsonline_append(list, object);
}

json_t *
valuejson(struct slice value)
{
    json_t *list = json_array();
    struct value_element element;
    enum err err;
    while ((err = value_next(&value, &element)) == ERR_OK)
        if (element.literal)
            valuejson_literal(&list, &element);
        else
            valuejson_reasons(&list, element.reasons);
    if (err != ERR_NOTFOUND) {
        const struct jsonline_member damaged = {"damaged", json_true()};
        jsonline_append(&list, jsonline_object(&damaged, 1));
    }
    return list;
}

json_t *
valuejson_record(const struct recordset_rr *rr)
{
    struct slice data = slice_of((const uint8_t *)rr->rdata.p + 1, rr->rdata.n - 1);
    if (strcmp(text_type(rr->type), "TXT") == 0)
        return jsonline_text(data);
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
