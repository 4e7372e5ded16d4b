/* The walk through a policy with groups of addresses; see spfflat.h. */
#include <stdlib.h>
#include <string.h>

#include "loader/spfflat_internal.h"

static const enum ip_family families[SPFFLAT_FAMILIES] = {IP_V4, IP_V6};

/* A term of a level's record, while it is at work. */
struct step {
    struct spfflat *flat;
    struct spfflat_level *level;
    const struct spfterm *term;
};

static void check_host(
    struct spfflat *flat, struct spfflat_level *level, const struct step *origin);

static enum spfresult
qualified(const struct spfterm *term)
{
    switch (term->qualifier) {
    case '-':
        return SPFRESULT_FAIL;
    case '~':
        return SPFRESULT_SOFTFAIL;
    case '?':
        return SPFRESULT_NEUTRAL;
    default:
        return SPFRESULT_PASS;
    }
}

static unsigned
family_number(enum ip_family family)
{
    return family == IP_V4 ? SPFFLAT_V4 : SPFFLAT_V6;
}

/* The text of a result that a mechanism gives. */
static uint8_t
text_of(
    struct spfflat *flat, struct spfflat_level *level, enum ip_family family, enum spfresult result)
{
    if (result != SPFRESULT_FAIL || !level->final || !level->record.has_exp)
        return 0;
    unsigned number = family_number(family);
    if (level->texts[number] < 0)
        level->texts[number] = spfflat_explanation(flat, level, number);
    return (uint8_t)level->texts[number];
}

static void
keep(struct spfflat *flat, enum err err)
{
    if (err < 0)
        flat->failed = err;
}

static void
check_size(struct spfflat *flat, const struct spfflat_level *level)
{
    if (level->pieces.count > SPFFLAT_PIECES_MAX)
        flat->too_large = true;
}

static void
decide(struct spfflat *flat, struct spfflat_level *level, struct spfgroup *group,
    enum spfresult result, uint8_t text)
{
    keep(flat, spfpieces_decide(&level->pieces, group, result, text));
    check_size(flat, level);
}

static void
decide_all(struct spfflat *flat, struct spfflat_level *level, enum spfresult result, uint8_t text)
{
    for (size_t i = 0; i < level->groups.count; i++)
        decide(flat, level, &level->groups.items[i], result, text);
}

static uint8_t
permerror_text(
    struct spfflat *flat, const struct dname *domain, const struct spfterm *term, const char *cause)
{
    char why[SPFDNS_WHY_SIZE];

    if (term == NULL) {
        spfdns_describe(&flat->sender, domain, NULL, cause, why);
    } else {
        struct spfrecord_error error = {.term = term->text, .column = term->column};
        spfdns_describe(&flat->sender, domain, &error, cause, why);
    }
    return spfflat_text(flat, why, strlen(why));
}

static void
permerror(const struct step *step, struct spfgroup *group, const char *cause)
{
    decide(step->flat, step->level, group, SPFRESULT_PERMERROR,
        permerror_text(step->flat, &step->level->domain, step->term, cause));
}

static void
temperror(const struct step *step, struct spfgroup *group, const struct dname *name)
{
    char why[SPFDNS_WHY_SIZE];

    spfdns_describe_failure(name, why);
    decide(step->flat, step->level, group, SPFRESULT_UNKNOWN,
        spfflat_text(step->flat, why, strlen(why)));
}

/* The group's addresses within the range match the term. */
static void
match(const struct step *step, struct spfgroup *group, struct spfset_range range)
{
    struct spfset *taken = &step->flat->taken;
    enum spfresult result = qualified(step->term);
    struct spfpiece piece = {.family = group->family,
        .result = (uint8_t)result,
        .lookups = (uint16_t)group->lookups,
        .voids = (uint16_t)group->voids};

    taken->count = 0;
    keep(step->flat, spfset_take(&group->set, range, taken));
    if (taken->count > 0)
        piece.text = text_of(step->flat, step->level, group->family, result);
    for (size_t i = 0; i < taken->count; i++) {
        piece.range = taken->ranges[i];
        keep(step->flat, spfpieces_add(&step->level->pieces, &piece));
    }
    check_size(step->flat, step->level);
    if (group->set.count > SPFFLAT_PIECES_MAX)
        step->flat->too_large = true;
}

/* RFC 7208 5.6. */
static void
step_ip(const struct step *step)
{
    const struct spfterm *term = step->term;
    bool four = term->kind == SPFTERM_IP4;
    /* An ip6 may write a mapped address, which matches nobody: such a client is IPv4. */
    struct spfset_range range = four ? spfset_prefix(term->ip.b + 12, 4, term->cidr4)
                                     : spfset_prefix(term->ip.b, 16, term->cidr6);

    for (size_t i = 0; i < step->level->groups.count; i++)
        if (step->level->groups.items[i].family == (four ? IP_V4 : IP_V6))
            match(step, &step->level->groups.items[i], range);
}

/* RFC 7208 4.6.4: a look-up without an answer. */
static void
count_void(const struct step *step, struct spfgroup *group)
{
    if (++group->voids > step->flat->limits.voids)
        permerror(step, group, SPFDNS_TOO_MANY_VOIDS);
}

/* What an answer without records makes of the groups of a family; false: there are records. */
static bool
without_records(const struct step *step, enum ip_family family, enum dns_status status,
    const struct dname *name)
{
    for (size_t i = 0; i < step->level->groups.count && status != DNS_OK; i++) {
        struct spfgroup *group = &step->level->groups.items[i];

        if (group->family != family || group->set.count == 0 || status == DNS_PENDING)
            continue;
        if (status == DNS_FAIL)
            temperror(step, group, name);
        else
            count_void(step, group);
    }
    return status != DNS_OK;
}

/* RFC 7208 5.3, and 5.4 for each host. */
static void
step_host(const struct step *step, enum ip_family family, const struct dname *host)
{
    const struct spfterm *term = step->term;
    struct dns_answer answer;
    struct slice rdata;
    enum dns_type type = family == IP_V4 ? DNS_A : DNS_AAAA;
    size_t size = ip_bits(family) / 8;
    unsigned bits = family == IP_V4 ? term->cidr4 : term->cidr6;

    enum dns_status status = spfflat_ask(step->flat, type, host, &answer);
    if (without_records(step, family, status, host))
        return;
    while (dns_next(&answer, &rdata) == ERR_OK) {
        for (size_t i = 0; i < step->level->groups.count && rdata.n == size; i++)
            if (step->level->groups.items[i].family == family)
                match(step, &step->level->groups.items[i], spfset_prefix(rdata.p, size, bits));
    }
}

/* RFC 7208 5.4. */
static void
step_mx(const struct step *step, enum ip_family family, const struct dname *target)
{
    struct spfdns_mx hosts[SPFDNS_MX_MAX];
    struct dns_answer answer;
    unsigned count;

    enum dns_status status = spfflat_ask(step->flat, DNS_MX, target, &answer);
    if (without_records(step, family, status, target))
        return;
    if (spfdns_mx_hosts(answer, hosts, &count)) {
        for (unsigned i = 0; i < count; i++)
            step_host(step, family, &hosts[i].host);
        return;
    }
    for (size_t i = 0; i < step->level->groups.count; i++)
        if (step->level->groups.items[i].family == family)
            permerror(step, &step->level->groups.items[i], SPFDNS_TOO_MANY_MX);
}

/* RFC 7208 5.7: always A. */
static void
step_exists(const struct step *step, enum ip_family family, const struct dname *target)
{
    struct dns_answer answer;
    enum spfresult result = qualified(step->term);

    enum dns_status status = spfflat_ask(step->flat, DNS_A, target, &answer);
    if (without_records(step, family, status, target))
        return;
    for (size_t i = 0; i < step->level->groups.count; i++) {
        struct spfgroup *group = &step->level->groups.items[i];

        if (group->family == family && group->set.count > 0)
            decide(step->flat, step->level, group, result,
                text_of(step->flat, step->level, family, result));
    }
}

/* The groups of the family (of both if that is NULL) go on to the next level. */
static void
descend(const struct step *step, const enum ip_family *family)
{
    struct spfflat_level *next = step->level + 1;

    for (size_t i = 0; i < step->level->groups.count; i++) {
        struct spfgroup *from = &step->level->groups.items[i], *to;

        if (from->set.count == 0 || (family != NULL && from->family != *family))
            continue;
        to = spfgroups_find(&next->groups, from->family, from->lookups, from->voids);
        keep(step->flat, to == NULL ? ERR_NOMEM : spfgroup_move(from, to));
    }
}

/* RFC 7208 5.2: what a result of the included record means here. */
static void
ascend(const struct step *step)
{
    const struct spfpieces *pieces = &step->level[0].pieces;
    const struct spfflat_level *next = step->level + 1;
    enum spfresult result = qualified(step->term);

    for (size_t i = 0; i < next->pieces.count; i++) {
        struct spfpiece piece = next->pieces.items[i];

        if (piece.result == SPFRESULT_NEUTRAL || piece.result == SPFRESULT_FAIL ||
            piece.result == SPFRESULT_SOFTFAIL) {
            struct spfgroup *group =
                spfgroups_find(&step->level->groups, piece.family, piece.lookups, piece.voids);
            keep(step->flat, group == NULL ? ERR_NOMEM : spfset_append(&group->set, piece.range));
            continue;
        }
        if (piece.result == SPFRESULT_PASS) {
            piece.result = (uint8_t)result;
            piece.text = text_of(step->flat, step->level, piece.family, result);
        }
        keep(step->flat, spfpieces_add(&step->level->pieces, &piece));
    }
    if (pieces->count > SPFFLAT_PIECES_MAX)
        step->flat->too_large = true;
}

/* Evaluates target for the groups of a family, or of both. */
static void
step_record(const struct step *step, const enum ip_family *family, const struct dname *target)
{
    struct spfflat_level *next = step->level + 1;
    bool redirect = step->term->kind == SPFTERM_REDIRECT;

    next->groups.count = next->pieces.count = 0;
    next->final = redirect && step->level->final;
    next->domain = *target;
    descend(step, family);
    check_host(step->flat, next, step);
    if (!redirect) {
        ascend(step);
        return;
    }
    for (size_t i = 0; i < next->pieces.count; i++)
        keep(step->flat, spfpieces_add(&step->level->pieces, &next->pieces.items[i]));
    check_size(step->flat, step->level);
}

/* Whether somebody of the family, or with NULL of any, is undecided. */
static bool
anybody(const struct spfflat_level *level, const enum ip_family *family)
{
    for (size_t i = 0; i < level->groups.count; i++)
        if (level->groups.items[i].set.count > 0 &&
            (family == NULL || level->groups.items[i].family == *family))
            return true;
    return false;
}

/* A term that asks DNS for the clients of one family (both: NULL, then they have one target). */
static void
step_target(const struct step *step, const enum ip_family *family, const struct dname *target)
{
    static void (*const steps[])(const struct step *, enum ip_family, const struct dname *) = {
        [SPFTERM_A] = step_host, [SPFTERM_MX] = step_mx, [SPFTERM_EXISTS] = step_exists};
    enum spfterm_kind kind = step->term->kind;

    if (!anybody(step->level, family))
        return;
    if (kind == SPFTERM_INCLUDE || kind == SPFTERM_REDIRECT) {
        step_record(step, family, target);
        return;
    }
    for (unsigned i = 0; i < SPFFLAT_FAMILIES; i++)
        if ((family == NULL || *family == families[i]) && anybody(step->level, &families[i]))
            steps[kind](step, families[i], target);
}

/* The groups of a family, or with SPFFLAT_FAMILIES of both, whose target is not a name: as
 * spfdns.h has it for one address. */
static void
step_no_target(const struct step *step, unsigned family, enum spfflat_target why)
{
    bool record = step->term->kind == SPFTERM_INCLUDE || step->term->kind == SPFTERM_REDIRECT;

    for (size_t i = 0; i < step->level->groups.count; i++) {
        struct spfgroup *group = &step->level->groups.items[i];

        if (group->set.count == 0 ||
            (family < SPFFLAT_FAMILIES && family_number(group->family) != family))
            continue;
        if (why == SPFFLAT_TARGET_DYNAMIC)
            decide(step->flat, step->level, group, SPFRESULT_DYNAMIC, 0);
        else if (record) /* none (RFC 7208 4.3), and that is a permerror (5.2, 6.1) */
            permerror(step, group, SPFDNS_NO_TARGET);
    }
}

/* A term that asks DNS: counted (RFC 7208 4.6.4), then asked for. */
static void
step_dns(const struct step *step)
{
    struct dname targets[SPFFLAT_FAMILIES];
    enum spfflat_target got[SPFFLAT_FAMILIES];

    for (size_t i = 0; i < step->level->groups.count; i++) {
        struct spfgroup *group = &step->level->groups.items[i];

        if (group->set.count > 0 && ++group->lookups > step->flat->limits.lookups)
            permerror(step, group, SPFDNS_TOO_MANY_TERMS);
    }
    if (step->term->kind == SPFTERM_PTR) {
        step_no_target(step, SPFFLAT_FAMILIES, SPFFLAT_TARGET_DYNAMIC);
        return;
    }
    for (unsigned i = 0; i < SPFFLAT_FAMILIES; i++)
        got[i] = spfflat_target(step->flat, step->level, step->term, i, &targets[i]);
    if (got[0] == SPFFLAT_TARGET_OK && got[1] == SPFFLAT_TARGET_OK &&
        dname_equal(&targets[0], &targets[1])) {
        step_target(step, NULL, &targets[0]);
        return;
    }
    for (unsigned i = 0; i < SPFFLAT_FAMILIES; i++) {
        if (got[i] == SPFFLAT_TARGET_OK)
            step_target(step, &families[i], &targets[i]);
        else
            step_no_target(step, i, got[i]);
    }
}

static void
run_term(struct spfflat *flat, struct spfflat_level *level, const struct spfterm *term)
{
    const struct step step = {.flat = flat, .level = level, .term = term};

    if (term->kind == SPFTERM_ALL) {
        enum spfresult result = qualified(term);

        for (size_t i = 0; i < level->groups.count; i++)
            decide(flat, level, &level->groups.items[i], result,
                text_of(flat, level, level->groups.items[i].family, result));
    } else if (term->kind == SPFTERM_IP4 || term->kind == SPFTERM_IP6) {
        step_ip(&step);
        return; /* changes no counters: nothing to settle */
    } else {
        step_dns(&step);
    }
    keep(flat, spfgroups_settle(&level->groups));
}

/* The record's terms; false and *error for one that is wrong. */
static bool
parse(struct spfflat *flat, struct slice text, struct spfflat_record *record,
    struct spfrecord_error *error)
{
    struct spfrecord_walk walk;
    struct spfterm term;
    bool decided = false;
    enum err err;

    record->count = 0;
    record->has_redirect = record->has_exp = false;
    spfrecord_start(text, &walk);
    while ((err = spfrecord_next(&walk, &term, error)) == ERR_OK) {
        if (term.kind == SPFTERM_REDIRECT) {
            record->redirect = term;
            record->has_redirect = true;
        } else if (term.kind == SPFTERM_EXP) {
            record->exp = term;
            record->has_exp = true;
        } else if (term.kind != SPFTERM_OTHER && !decided) {
            if (record->count == record->room) {
                size_t room = record->room * 2 + 32;
                struct spfterm *grown = reallocarray(record->mechanisms, room, sizeof *grown);
                if (grown == NULL) {
                    flat->failed = ERR_NOMEM;
                    return false;
                }
                record->mechanisms = grown;
                record->room = room;
            }
            record->mechanisms[record->count++] = term;
            decided = term.kind == SPFTERM_ALL;
        }
    }
    return err == ERR_NOTFOUND;
}

/* Fetches the level's record; without one that can be walked all groups are decided. */
static bool
load(struct spfflat *flat, struct spfflat_level *level, const struct step *origin)
{
    struct spfrecord_error error = {0};
    struct dns_answer answer;
    struct slice record;
    unsigned count;

    enum dns_status status = spfflat_ask(flat, DNS_TXT, &level->domain, &answer);
    if (status == DNS_PENDING) {
        decide_all(flat, level, SPFRESULT_NEUTRAL, 0); /* goes on as if nothing matched */
        return false;
    }
    if (status == DNS_FAIL) {
        static const char why[] = "DNS failed for an SPF record"; /* RFC 7208 4.4 */
        decide_all(flat, level, SPFRESULT_UNKNOWN, spfflat_text(flat, why, sizeof why - 1));
        return false;
    }
    enum err err = status == DNS_OK ? spfrecord_select(&answer, &record, &count) : ERR_NOTFOUND;
    if (err == ERR_NOTFOUND && origin == NULL) {
        decide_all(flat, level, SPFRESULT_NONE, 0);
    } else if (err == ERR_NOTFOUND) { /* RFC 7208 5.2 and 6.1 */
        decide_all(flat, level, SPFRESULT_PERMERROR,
            permerror_text(flat, &origin->level->domain, origin->term, SPFDNS_NO_RECORD));
    } else if (err < 0) {
        decide_all(flat, level, SPFRESULT_PERMERROR,
            permerror_text(flat, &level->domain, NULL, SPFDNS_TWO_RECORDS));
    } else if (!parse(flat, record, &level->record, &error)) {
        char why[SPFDNS_WHY_SIZE] = "";
        if (flat->failed == ERR_OK)
            spfdns_describe(&flat->sender, &level->domain, &error, error.cause, why);
        decide_all(flat, level, SPFRESULT_PERMERROR, spfflat_text(flat, why, strlen(why)));
    } else {
        return true;
    }
    return false;
}

/* RFC 7208 4. origin: the term that leads here; NULL for the first record. */
static void
check_host(struct spfflat *flat, struct spfflat_level *level, const struct step *origin)
{
    const struct spfflat_record *record = &level->record;

    level->texts[SPFFLAT_V4] = level->texts[SPFFLAT_V6] = -1;
    if (level == flat->levels + SPFFLAT_LEVELS - 1 || !load(flat, level, origin))
        return;
    for (size_t i = 0; i < record->count && level->groups.count > 0; i++) {
        if (flat->failed < 0 || flat->too_large)
            return;
        run_term(flat, level, &record->mechanisms[i]);
    }
    /* RFC 7208 6.1: an all has left no groups. */
    keep(flat, spfgroups_settle(&level->groups));
    if (record->has_redirect && level->groups.count > 0)
        run_term(flat, level, &record->redirect);
    decide_all(flat, level, SPFRESULT_NEUTRAL, 0); /* RFC 7208 4.7 */
}

void
spfflat_walk(struct spfflat *flat)
{
    /* RFC 7208 4.3: a domain must have two labels. */
    if (flat->sender.len == 0 || dname_labels(&flat->sender) < 2)
        decide_all(flat, &flat->levels[0], SPFRESULT_NONE, 0);
    else
        check_host(flat, &flat->levels[0], NULL);
}
