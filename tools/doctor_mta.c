/* What mail programs on this machine do with the answers; see doctor.h. */
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"
#include "tools/doctor.h"

enum { TEXT_MOST = 1 << 20 };

/* Facts of a use, as bits. */
enum {
    IS_INFORMATIONAL = 1,
    IS_FILTERED = 2,
    IS_OFF = 4,
    HAS_ERROR_CODES = 8, /* errors come as 127.255.255.x */
    IS_OTHER_KIND = 16   /* the zone does not hold what is asked */
};
enum { AGAINST = MTA_REJECTS | MTA_COUNTS, ANY_EFFECT = AGAINST | MTA_WELCOMES | MTA_TRIES };

/* The first that fits counts. */
static const struct {
    unsigned needs, lacks, effects;
    enum doctor_grade grade;
    const char *what, *advice;
} rules[] = {
    {IS_OTHER_KIND, 0, ANY_EFFECT, DOCTOR_FAIL, "does not have what it is asked for here",
        "addresses are asked in ip., names in dom. and helo.; see repdns.conf(5)"},
    {IS_INFORMATIONAL, IS_FILTERED, AGAINST | MTA_TRIES, DOCTOR_FAIL,
        "is no block list: it has good senders too, and any answer counts against them",
        "ask ip., dom., helo. or pair. instead, or name the answers that are meant"},
    {IS_INFORMATIONAL | IS_FILTERED, 0, MTA_REJECTS, DOCTOR_WARN,
        "is informational, and rejects by the answers that are named",
        "try it with warn_if_reject first: a single reason lists many good senders"},
    {IS_INFORMATIONAL, IS_FILTERED, MTA_WELCOMES, DOCTOR_FAIL,
        "lets everybody in who has any answer there", "name the answers that are meant"},
    {0, IS_INFORMATIONAL, MTA_WELCOMES, DOCTOR_FAIL, "is a block list that lets in whom it lists",
        "use it to reject, or ask a list of good senders"},
    {HAS_ERROR_CODES, IS_FILTERED, AGAINST, DOCTOR_FAIL,
        "answers errors with 127.255.255.x, and any answer counts: an error rejects everybody",
        "name the answers that are meant, as zone=127.0.[0..2].[2..99] in Postfix"},
    {IS_OFF, 0, ANY_EFFECT, DOCTOR_WARN, "is off, so it never answers",
        "enable the zone in the configuration, or ask another"},
    {0, 0, MTA_TRIES, DOCTOR_OK, "is tried: it only logs", ""},
    {0, 0, ANY_EFFECT, DOCTOR_OK, "is used as it is meant", ""},
};

/* The zone of that name; of a keyed one with a key before it too. */
static const struct zone_def *
find_zone(const struct conf *conf, const struct dname *name)
{
    for (unsigned i = 0; i < conf->zone_count; i++) {
        const struct zone_def *zone = &conf->zones[i];
        unsigned more = dname_labels(name) - dname_labels(&zone->apex);
        if (dname_under(name, &zone->apex) && (more == 0 || (more == 1 && zone->keyed)))
            return zone;
    }
    return NULL;
}

static unsigned
facts_of(const struct zone_def *zone, const struct mta_use *use)
{
    static const enum zone_kind kinds[] = {[MTA_ADDRESS] = ZONE_ADDR, [MTA_NAME] = ZONE_NAME};
    bool other =
        use->asks != MTA_OTHER && zone->kind != ZONE_LIST && zone->kind != kinds[use->asks];
    return (zone->informational ? IS_INFORMATIONAL : 0U) | (use->filtered ? IS_FILTERED : 0U) |
           (zone->enabled ? 0U : IS_OFF) | (zone->errors == ZONE_CODES ? HAS_ERROR_CODES : 0U) |
           (other ? IS_OTHER_KIND : 0U);
}

void
doctor_judge_use(struct doctor *doctor, const char *where, const struct mta_use *use)
{
    struct dname name;
    if (dname_parse(use->zone, strlen(use->zone), &name) < 0)
        return;
    const struct zone_def *zone = find_zone(doctor->conf, &name);
    if (zone == NULL || zone->kind == ZONE_BASE) {
        if (dname_under(&name, &doctor->conf->base))
            doctor_say(doctor, DOCTOR_FAIL, "see the zones in repdns.conf(5)",
                "%s, line %u: %s is no list of this configuration", where, use->line, use->zone);
        return; /* somebody else's list */
    }
    unsigned facts = facts_of(zone, use);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if ((facts & rules[i].needs) == rules[i].needs && (facts & rules[i].lacks) == 0 &&
            (use->effect & rules[i].effects) != 0) {
            doctor_say(doctor, rules[i].grade, rules[i].advice, "%s, line %u: %s %s", where,
                use->line, use->zone, rules[i].what);
            return;
        }
}

struct use_ctx {
    struct doctor *doctor;
    const char *where;
};

static void
on_use(void *ctx, const struct mta_use *use)
{
    const struct use_ctx *at = ctx;
    doctor_judge_use(at->doctor, at->where, use);
}

void
doctor_postfix(struct doctor *doctor)
{
    struct use_ctx at = {doctor, "postconf"};
    char *text = malloc(TEXT_MOST);
    size_t n = text == NULL ? 0 : command_output("postconf -nx && postconf -P", text, TEXT_MOST);
    if (n > 0)
        mtause_postfix(text, n, on_use, &at);
    doctor->lost = doctor->lost || text == NULL;
    free(text);
}

typedef void (*parse_fn)(const char *text, size_t n, mta_use_fn each, void *ctx);

/* The first TEXT_MOST bytes of each file that fits a pattern. */
static void
examine_files(struct doctor *doctor, const char *const *patterns, unsigned count, parse_fn parse)
{
    char *text = malloc(TEXT_MOST);
    for (unsigned i = 0; text != NULL && i < count; i++) {
        glob_t found;
        if (glob(patterns[i], 0, NULL, &found) != 0)
            continue;
        for (size_t k = 0; k < found.gl_pathc; k++) {
            struct use_ctx at = {doctor, found.gl_pathv[k]};
            FILE *file = fopen(at.where, "re");
            if (file == NULL) {
                doctor_say(doctor, DOCTOR_WARN, "run this as root", "%s can't be read", at.where);
                continue;
            }
            parse(text, fread(text, 1, TEXT_MOST, file), on_use, &at);
            (void)fclose(file);
        }
        globfree(&found);
    }
    doctor->lost = doctor->lost || text == NULL;
    free(text);
}

void
doctor_exim(struct doctor *doctor)
{
    /* Debian makes the first of what is in /etc/exim4. */
    static const char *const patterns[] = {
        "/var/lib/exim4/config.autogenerated", "/etc/exim4/exim4.conf", "/etc/exim/exim.conf"};
    examine_files(doctor, patterns, sizeof patterns / sizeof *patterns, mtause_exim);
}

void
doctor_rspamd(struct doctor *doctor)
{
    static const char *const patterns[] = {"/etc/rspamd/local.d/rbl.conf",
        "/etc/rspamd/override.d/rbl.conf", "/etc/rspamd/rspamd.conf.local",
        "/etc/rspamd/rspamd.conf.override"};
    examine_files(doctor, patterns, sizeof patterns / sizeof *patterns, mtause_rspamd);
}
