/* A finding as a line of JSON; see doctor.h. */
#include "loader/jsonline.h"
#include "tools/doctor.h"

enum err
doctor_json(FILE *out, const char *check, const char *grade, const char *what, const char *advice)
{
    const struct jsonline_member members[] = {{"check", json_string(check)},
        {"grade", json_string(grade)}, {"what", json_string(what)}, {"do", json_string(advice)}};
    return jsonline_print_members(out, members, sizeof members / sizeof *members);
}
