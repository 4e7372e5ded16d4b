/* A finding as a line of JSON; see doctor.h. */
#include <jansson.h>

#include "tools/doctor.h"

void
doctor_json(FILE *out, const char *check, const char *grade, const char *what, const char *advice)
{
    json_t *finding = json_pack(
        "{s:s, s:s, s:s, s:s}", "check", check, "grade", grade, "what", what, "do", advice);
    /* What the stream could not take, main says. */
    if (finding != NULL && json_dumpf(finding, out, 0) == 0)
        fputc('\n', out);
    json_decref(finding);
}
