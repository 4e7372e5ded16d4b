/*
 * repdns doctor: whether an installation works, from the configuration to what the mail program
 * does with the answers. Each check says what it found and what to do. Nothing is changed.
 */
#ifndef TOOLS_DOCTOR_H
#define TOOLS_DOCTOR_H

#include "tools/mtause.h"
#include "tools/tools.h"

enum doctor_grade { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL, DOCTOR_GRADES };

struct doctor {
    const struct conf *conf;
    int64_t now_s;
    FILE *out;
    bool json, colours;
    bool lost;         /* something was not looked at or told for want of memory */
    const char *check; /* at work */
    unsigned found[DOCTOR_GRADES];
};

/* One finding; advice is "" where nothing is to be done. */
void doctor_say(struct doctor *doctor, enum doctor_grade grade, const char *advice,
    const char *format, ...) PRINTF_LIKE(4, 5);

/* doctor_json.c: the finding's line; texts are printable ASCII. ERR_NOMEM. */
enum err doctor_json(FILE *out, const char *check, const char *grade, const char *what,
    const char *advice) MUST_CHECK;

/* The checks. doctor_host.c: what the machine has. */
void doctor_configuration(struct doctor *doctor);
void doctor_privileges(struct doctor *doctor);
void doctor_disk(struct doctor *doctor);
void doctor_schedule(struct doctor *doctor);
/* doctor_store.c: what is served, until when. */
void doctor_stores(struct doctor *doctor);
void doctor_age(struct doctor *doctor);
/* doctor_dns.c: what is answered. */
void doctor_sockets(struct doctor *doctor);
void doctor_zones(struct doctor *doctor);
void doctor_delegation(struct doctor *doctor);
void doctor_resolver(struct doctor *doctor);
/* doctor_mta.c: what becomes of the answers. */
void doctor_postfix(struct doctor *doctor);
void doctor_exim(struct doctor *doctor);
void doctor_rspamd(struct doctor *doctor);
/* One use that a configuration, where, has of a list. */
void doctor_judge_use(struct doctor *doctor, const char *where, const struct mta_use *use);

enum exit_code tool_doctor(const struct tool *tool, struct errmsg *msg);

#endif
