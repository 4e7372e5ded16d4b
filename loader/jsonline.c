/* One object a line; see jsonline.h. */
#include "loader/jsonline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "loader/status.h"

json_t *
jsonline_text(struct slice text)
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

json_t *
jsonline_string(const char *text)
{
    return jsonline_text(slice_of(text, strlen(text)));
}

json_t *
jsonline_count(uint64_t count)
{
    return json_integer((json_int_t)count);
}

json_t *
jsonline_number(double number)
{
    return isfinite(number) ? json_real(number) : json_null();
}

json_t *
jsonline_time(int64_t when_s)
{
    char text[STATUS_TIME_SIZE];
    status_time(when_s, text);
    return when_s == 0 ? json_null() : json_string(text);
}

json_t *
jsonline_ip(const struct ip *ip)
{
    char text[IP_TEXT_SIZE];
    ip_format(ip, text);
    return json_string(text);
}

json_t *
jsonline_a(uint32_t a)
{
    struct ip ip = ip_from_v4(a);
    return jsonline_ip(&ip);
}

json_t *
jsonline_name(const struct dname *name)
{
    char text[DNAME_TEXT_SIZE];
    (void)dname_format(name, text);
    return json_string(text);
}

json_t *
jsonline_reasons(struct reason_set reasons)
{
    json_t *list = json_array();
    while (!reasons_empty(reasons))
        jsonline_append(&list, json_string(reason_info(reasons_take(&reasons))->name));
    return list;
}

json_t *
jsonline_object(const struct jsonline_member *members, size_t count)
{
    json_t *object = json_object();
    for (size_t i = 0; i < count; i++)
        jsonline_set(&object, members[i].key, members[i].value);
    return object;
}

/* What a failed step leaves: the value it was given is freed already. */
static void
keep_if(json_t **value, bool whole)
{
    if (whole)
        return;
    json_decref(*value);
    *value = NULL;
}

void
jsonline_set(json_t **object, const char *key, json_t *value)
{
    keep_if(object, json_object_set_new(*object, key, value) == 0);
}

void
jsonline_append(json_t **list, json_t *value)
{
    keep_if(list, json_array_append_new(*list, value) == 0);
}

enum err
jsonline_print(FILE *out, json_t *object)
{
    if (object == NULL)
        return ERR_NOMEM;
    if (json_dumpf(object, out, JSON_ENSURE_ASCII | JSON_REAL_PRECISION(12)) == 0)
        fputc('\n', out);
    json_decref(object);
    return ERR_OK;
}

enum err
jsonline_print_members(FILE *out, const struct jsonline_member *members, size_t count)
{
    return jsonline_print(out, jsonline_object(members, count));
}
