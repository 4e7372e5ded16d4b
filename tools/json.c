/* One object a line; see json.h. */
#include "tools/json.h"

#include <stdlib.h>

json_t *
tool_json_text(struct slice text)
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
tool_json_time(int64_t when_s)
{
    return when_s == 0 ? json_null() : json_integer((json_int_t)when_s);
}

bool
tool_json_add(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

enum err
tool_json_line(FILE *out, json_t *object, bool whole)
{
    bool printed = whole && json_dumpf(object, out, 0) == 0;
    json_decref(object);
    if (printed)
        fputc('\n', out);
    /* What the stream could not take, main says. */
    return whole ? ERR_OK : ERR_NOMEM;
}
