/* repdns doctor: the checks in turn, and how a finding is written; see doctor.h. */
#include "tools/doctor.h"

#include <stdarg.h>

/* In the order in which one thing rests on another. */
static const struct {
    const char *name;
    void (*run)(struct doctor *doctor);
} checks[] = {
    {"configuration", doctor_configuration},
    {"privileges", doctor_privileges},
    {"disk", doctor_disk},
    {"stores", doctor_stores},
    {"age", doctor_age},
    {"schedule", doctor_schedule},
    {"sockets", doctor_sockets},
    {"zones", doctor_zones},
    {"delegation", doctor_delegation},
    {"resolver", doctor_resolver},
    {"postfix", doctor_postfix},
    {"exim", doctor_exim},
    {"rspamd", doctor_rspamd},
};

/* In findings there is text of other programs' files. */
static void
make_printable(char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

void
doctor_say(
    struct doctor *doctor, enum doctor_grade grade, const char *advice, const char *format, ...)
{
    static const struct {
        const char *name;
        enum text_colour colour;
    } grades[] = {[DOCTOR_OK] = {"ok", TEXT_GREEN},
        [DOCTOR_WARN] = {"warn", TEXT_YELLOW},
        [DOCTOR_FAIL] = {"fail", TEXT_RED}};
    char what[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    make_printable(what);
    doctor->found[grade]++;
    if (doctor->json) {
        if (doctor_json(doctor->out, doctor->check, grades[grade].name, what, advice) < 0)
            doctor->lost = true;
        return;
    }
    fprintf(doctor->out, "%s%-4s%s  %s: %s\n", text_colour(doctor->colours, grades[grade].colour),
        grades[grade].name, text_colour(doctor->colours, TEXT_PLAIN), doctor->check, what);
    if (advice[0] != '\0')
        fprintf(doctor->out, "      %s\n", advice);
}

enum exit_code
tool_doctor(const struct tool *tool, struct errmsg *msg)
{
    struct doctor doctor = {.conf = tool->conf,
        .now_s = tool->now_s,
        .out = tool->out,
        .json = tool->json,
        .colours = tool->colours};
    msg->text[0] = '\0';
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        doctor.check = checks[i].name;
        checks[i].run(&doctor);
    }
    if (!doctor.json)
        fprintf(doctor.out, "%u failed, %u warnings, %u good\n", doctor.found[DOCTOR_FAIL],
            doctor.found[DOCTOR_WARN], doctor.found[DOCTOR_OK]);
    if (doctor.lost)
        return tool_exit(errmsg_set(msg, ERR_NOMEM, "out of memory"));
    return doctor.found[DOCTOR_FAIL] > 0 ? EXIT_FAILED : EXIT_DONE;
}
