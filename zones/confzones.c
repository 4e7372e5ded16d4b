/* The zones of a configuration; see confzones.h. */
#include "confzones.h"

#include <stdarg.h>
#include <stdio.h>

#include "confvalue.h"
#include "fnv.h"
#include "zones_shipped.h"

enum { RETIRED_TTL_S = 86400 };

static const struct {
    const char *name;
    enum zone_kind kind;
} kinds[] = {{"address", ZONE_ADDR}, {"name", ZONE_NAME}, {"pair", ZONE_PAIR}, {"list", ZONE_LIST}};

static const struct {
    const char *name;
    enum zone_errors errors;
} errors[] = {{"refused", ZONE_REFUSES}, {"codes", ZONE_CODES}, {"drop", ZONE_DROPS}};

static void warn(struct conf *conf, const char *format, ...) PRINTF_LIKE(2, 3);

static void
warn(struct conf *conf, const char *format, ...)
{
    size_t used = strlen(conf->warnings);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(conf->warnings + used, sizeof conf->warnings - used, format, args);
    va_end(args);
}

enum err
confzones_apex(const struct conf *conf, const char *title, struct dname *out)
{
    if (strcmp(title, "base") == 0) {
        *out = conf->base;
        return ERR_OK;
    }
    struct dname left;
    enum err err = dname_parse(title, strlen(title), &left);
    if (err < 0 || strchr(title, '.') != NULL) {
        *out = left;
        return err;
    }
    return dname_join(&left, &conf->base, out);
}

static enum err
set_names(
    struct conf *conf, const struct zone_text *text, struct zone_def *zone, struct errmsg *msg)
{
    if (text->ns_count == 0)
        return ERR_OK;
    zone->ns = conf_alloc(conf, text->ns_count * sizeof *zone->ns);
    if (zone->ns == NULL)
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    zone->ns_count = text->ns_count;
    for (unsigned i = 0; i < text->ns_count; i++)
        if (dname_parse(text->ns[i], strlen(text->ns[i]), &zone->ns[i]) < 0)
            return errmsg_set(msg, ERR_SYNTAX, "%s:%u: nameservers: \"%s\" is no domain name",
                conf->path, text->line, text->ns[i]);
    zone->soa.mname = zone->ns[0];
    return ERR_OK;
}

/* Allow lists are for the loader: nothing of them is published that a zone could answer from. */
static bool
is_allow_list(const struct conf *conf, const char *name)
{
    for (unsigned i = 0; i < conf->list_count; i++)
        if (conf->lists[i].role == LIST_ALLOW && strcmp(conf->lists[i].name, name) == 0)
            return true;
    return false;
}

static enum err
set_datasets(
    struct conf *conf, const struct zone_text *text, struct zone_def *zone, struct errmsg *msg)
{
    if (text->dataset_count == 0)
        return ERR_OK;
    if (text->dataset_count > ZONE_DATASETS_MAX)
        return errmsg_set(msg, ERR_RANGE, "%s:%u: zone \"%s\" has %u datasets; at most %d",
            conf->path, text->line, text->title, text->dataset_count, ZONE_DATASETS_MAX);
    zone->datasets = conf_alloc(conf, ZONE_DATASETS_MAX * sizeof *zone->datasets);
    if (zone->datasets == NULL)
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    zone->dataset_count = text->dataset_count;
    for (unsigned i = 0; i < text->dataset_count; i++) {
        if (!confvalue_dataset_name(text->datasets[i]))
            return errmsg_set(msg, ERR_SYNTAX,
                "%s:%u: datasets: \"%s\" is no dataset name; use [a-z0-9_.-], a list's name or one "
                "of judged.ip, judged.dom, judged.helo, judged.pair, judged.score, judged.trust",
                conf->path, text->line, text->datasets[i]);
        if (is_allow_list(conf, text->datasets[i]))
            return errmsg_set(msg, ERR_SYNTAX,
                "%s:%u: datasets: \"%s\" is an allow list, which is not served; define a second "
                "list of its files without role",
                conf->path, text->line, text->datasets[i]);
        strcpy(zone->datasets[i], text->datasets[i]);
    }
    return ERR_OK;
}

static enum err
set_show(struct conf *conf, const struct zone_text *text, struct zone_def *zone, struct errmsg *msg)
{
    if (text->show_count == 0)
        return ERR_OK;
    zone->show = zone->beside_score = reasons_none();
    for (unsigned i = 0; i < text->show_count; i++) {
        enum reason reason;
        if (reason_by_name(text->show[i], &reason) < 0)
            return errmsg_set(msg, ERR_SYNTAX,
                "%s:%u: show: there is no reason \"%s\"; repdns.conf(5) lists them", conf->path,
                text->line, text->show[i]);
        reasons_add(&zone->show, reason);
    }
    return ERR_OK;
}

/* The settings that a zone and the top level share. */
static enum err
apply(struct conf *conf, const struct zone_text *text, struct zone_def *zone, struct errmsg *msg)
{
    if (text->ttl != NULL && confvalue_duration(text->ttl, &zone->ttl_s) < 0)
        return errmsg_set(msg, ERR_SYNTAX, "%s:%u: ttl: \"%s\" is no duration; write 30m or 2h",
            conf->path, text->line, text->ttl);
    if (text->negative_ttl != NULL &&
        confvalue_duration(text->negative_ttl, &zone->soa.minimum_s) < 0)
        return errmsg_set(msg, ERR_SYNTAX,
            "%s:%u: negative_ttl: \"%s\" is no duration; write 30m or 2h", conf->path, text->line,
            text->negative_ttl);
    if (text->contact != NULL && confvalue_mailbox(text->contact, &zone->soa.rname) < 0)
        return errmsg_set(msg, ERR_SYNTAX,
            "%s:%u: contact: \"%s\" is no mail address; write hostmaster@example.org", conf->path,
            text->line, text->contact);
    if (text->url != NULL) {
        if (strlen(text->url) >= sizeof zone->url)
            return errmsg_set(msg, ERR_RANGE, "%s:%u: url: longer than %zu bytes", conf->path,
                text->line, sizeof zone->url - 1);
        strcpy(zone->url, text->url);
    }
    enum err err = set_names(conf, text, zone, msg);
    if (err == ERR_OK)
        err = set_datasets(conf, text, zone, msg);
    return err < 0 ? err : set_show(conf, text, zone, msg);
}

/* acl has DATASET_NAME_SIZE bytes. */
static enum err
set_acl(struct conf *conf, const struct zone_text *text, char *acl, struct errmsg *msg)
{
    if (text->acl_count == 0)
        return ERR_OK;
    if (text->acl_count > 1)
        return errmsg_set(msg, ERR_RANGE, "%s:%u: acl: name one list only", conf->path, text->line);
    for (unsigned i = 0; i < conf->list_count; i++) {
        const struct list_source *list = &conf->lists[i];
        if (strcmp(list->name, text->acl[0]) != 0 || list_type_kind(list->type) != DATASET_ADDR)
            continue;
        strcpy(acl, list->name);
        return ERR_OK;
    }
    return errmsg_set(msg, ERR_NOTFOUND,
        "%s:%u: acl: there is no list of addresses \"%s\"; define it or correct the name",
        conf->path, text->line, text->acl[0]);
}

static enum err
apply_own(
    struct conf *conf, const struct zone_text *text, struct zone_def *zone, struct errmsg *msg)
{
    zone->line = text->line;
    if (text->enabled >= 0)
        zone->enabled = text->enabled != 0;
    if (text->private >= 0)
        zone->private = text->private != 0;
    if (text->informational >= 0)
        zone->informational = text->informational != 0;
    zone->authority_data = text->authority_data;
    zone->ns_in_answers = text->ns_in_answers;
    zone->sixtofour = text->sixtofour;
    zone->keyed = text->keyed;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strcmp(errors[i].name, text->errors) == 0)
            zone->errors = errors[i].errors;
    if (zone->keyed && zone->kind == ZONE_BASE)
        return errmsg_set(msg, ERR_SYNTAX,
            "%s:%u: keyed: zone \"%s\" has nothing but its name; key the zones below it",
            conf->path, text->line, text->title);
    if (zone->sixtofour && zone->kind != ZONE_LIST)
        return errmsg_set(msg, ERR_SYNTAX, "%s:%u: sixtofour: zone \"%s\" is not of the kind list",
            conf->path, text->line, text->title);
    enum err err = set_acl(conf, text, zone->acl, msg);
    return err < 0 ? err : apply(conf, text, zone, msg);
}

static bool
names_list(const struct zone_text *text, const char *list)
{
    for (unsigned i = 0; i < text->dataset_count; i++)
        if (strcmp(text->datasets[i], list) == 0)
            return true;
    return text->acl_count > 0 && strcmp(text->acl[0], list) == 0;
}

static bool
claimed(
    const struct zone_text *common, const struct zone_text *texts, unsigned count, const char *list)
{
    for (unsigned i = 0; i < count; i++)
        if (names_list(&texts[i], list))
            return true;
    return names_list(common, list);
}

/* Block lists that no zone names come first: the operator's word is above judging. */
static enum err
take_lists(struct conf *conf, const struct zone_text *common, const struct zone_text *texts,
    unsigned count, const struct shipped_zone *shipped, struct zone_def *zone)
{
    zone->datasets = conf_alloc(conf, ZONE_DATASETS_MAX * sizeof *zone->datasets);
    if (zone->datasets == NULL)
        return ERR_NOMEM;
    enum dataset_kind kind = shipped->kind == ZONE_ADDR ? DATASET_ADDR : DATASET_NAME;
    for (unsigned i = 0; shipped->takes_lists && i < conf->list_count; i++) {
        const struct list_source *list = &conf->lists[i];
        if (list->role != LIST_BLOCK || !list_type_lists(list->type) ||
            list_type_kind(list->type) != kind || claimed(common, texts, count, list->name))
            continue;
        if (zone->dataset_count == ZONE_DATASETS_MAX - 1) {
            warn(conf, "%s:%u: list \"%s\" is in no zone: zone \"%s\" has %d already\n", conf->path,
                list->line, list->name, shipped->label, ZONE_DATASETS_MAX - 1);
            continue;
        }
        strcpy(zone->datasets[zone->dataset_count++], list->name);
    }
    if (shipped->dataset != NULL)
        strcpy(zone->datasets[zone->dataset_count++], shipped->dataset);
    return ERR_OK;
}

static enum err
defaults(
    struct conf *conf, const struct zone_text *common, struct zone_def *zone, struct errmsg *msg)
{
    static const struct dname ns_label = {4, {2, 'n', 's', 0}};
    static const struct dname contact_label = {12, "\012hostmaster"};
    zone->ns = conf_alloc(conf, sizeof *zone->ns);
    if (zone->ns == NULL)
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    zone->ns_count = 1;
    zone->ttl_s = 1800;
    zone->soa = (struct soa){
        .ttl_s = 3600, .refresh_s = 3600, .retry_s = 600, .expire_s = 604800, .minimum_s = 300};
    if (dname_join(&ns_label, &conf->base, zone->ns) < 0 ||
        dname_join(&contact_label, &conf->base, &zone->soa.rname) < 0)
        return errmsg_set(msg, ERR_RANGE, "%s: base: the name is too long", conf->path);
    zone->soa.mname = zone->ns[0];
    struct zone_text shared = *common;
    shared.show_count = shared.dataset_count = 0;
    return apply(conf, &shared, zone, msg);
}

static enum err
make_shipped(struct conf *conf, const struct zone_text *common, const struct zone_text *texts,
    unsigned count, const struct shipped_zone *shipped, struct errmsg *msg)
{
    struct zone_def *zone = &conf->zones[conf->zone_count++];
    zone->kind = shipped->kind;
    zone->enabled = shipped->enabled;
    zone->informational = shipped->informational;
    zone->show.bits = shipped->show;
    zone->beside_score.bits = shipped->beside_score;
    if (confzones_apex(conf, *shipped->label == '\0' ? "base" : shipped->label, &zone->apex) < 0)
        return errmsg_set(msg, ERR_RANGE, "%s: base: the name is too long", conf->path);
    enum err err = defaults(conf, common, zone, msg);
    if (err == ERR_OK && take_lists(conf, common, texts, count, shipped, zone) < 0)
        err = errmsg_set(msg, ERR_NOMEM, "out of memory");
    return err;
}

static struct zone_def *
zone_at(struct conf *conf, const struct dname *apex)
{
    for (unsigned i = 0; i < conf->zone_count; i++)
        if (dname_equal(&conf->zones[i].apex, apex))
            return &conf->zones[i];
    return NULL;
}

static enum err
make_own(struct conf *conf, const struct zone_text *common, const struct zone_text *text,
    const struct dname *apex, struct errmsg *msg)
{
    struct zone_def *zone = &conf->zones[conf->zone_count++];
    zone->apex = *apex;
    zone->enabled = true;
    size_t i = 0, known = sizeof kinds / sizeof *kinds;
    while (i < known && (text->kind == NULL || strcmp(kinds[i].name, text->kind) != 0))
        i++;
    if (i == known)
        return errmsg_set(msg, ERR_SYNTAX,
            "%s:%u: zone \"%s\" needs a kind: address, name, pair or list", conf->path, text->line,
            text->title);
    zone->kind = kinds[i].kind;
    zone->show = reasons_all();
    if (text->dataset_count == 0)
        return errmsg_set(msg, ERR_SYNTAX,
            "%s:%u: zone \"%s\" has no datasets; name a list or a judged set", conf->path,
            text->line, text->title);
    return defaults(conf, common, zone, msg);
}

static enum err
place(struct conf *conf, const struct zone_text *common, const struct zone_text *text,
    struct errmsg *msg)
{
    struct dname apex;
    if (confzones_apex(conf, text->title, &apex) < 0)
        return errmsg_set(msg, ERR_SYNTAX, "%s:%u: zone \"%s\": this is no domain name", conf->path,
            text->line, text->title);
    struct zone_def *zone = zone_at(conf, &apex);
    if (zone != NULL && zone->line != 0)
        return errmsg_set(msg, ERR_SYNTAX, "%s:%u: zone \"%s\" is there already, in line %u",
            conf->path, text->line, text->title, zone->line);
    if (zone != NULL && text->kind != NULL)
        return errmsg_set(msg, ERR_SYNTAX,
            "%s:%u: zone \"%s\" is a shipped one: its kind can't be changed", conf->path,
            text->line, text->title);
    if (zone == NULL) {
        enum err err = make_own(conf, common, text, &apex, msg);
        if (err < 0)
            return err;
        zone = &conf->zones[conf->zone_count - 1];
    }
    return apply_own(conf, text, zone, msg);
}

static enum err
check_dataset(
    const struct conf *conf, const struct zone_def *zone, const char *name, struct errmsg *msg)
{
    static const char *const judged[] = {DATASET_JUDGED_IP, DATASET_JUDGED_DOM, DATASET_JUDGED_HELO,
        DATASET_JUDGED_PAIR, DATASET_JUDGED_SCORE, DATASET_JUDGED_TRUST};
    for (size_t i = 0; i < sizeof judged / sizeof *judged; i++)
        if (strcmp(judged[i], name) == 0)
            return ERR_OK;
    for (unsigned i = 0; i < conf->list_count; i++) {
        enum list_type type = conf->lists[i].type;
        if (strcmp(conf->lists[i].name, name) != 0)
            continue;
        if (list_type_info(type)->holds == LIST_HOLDS_CLIENTS)
            return errmsg_set(msg, ERR_SYNTAX,
                "%s:%u: datasets: \"%s\" is an access list; name it by acl", conf->path, zone->line,
                name);
        if (!list_type_lists(type) && zone->kind != ZONE_LIST)
            return errmsg_set(msg, ERR_SYNTAX,
                "%s:%u: datasets: \"%s\" is of the type %s, which zones of the kind list alone "
                "can have",
                conf->path, zone->line, name, list_type_info(type)->name);
        return ERR_OK;
    }
    return errmsg_set(msg, ERR_NOTFOUND,
        "%s:%u: datasets: there is no list \"%s\"; define it or correct the name", conf->path,
        zone->line, name);
}

/* Nothing is listed, and that is kept for a day, so that who still asks does so seldom (RFC
 * 6471 3.4).
 */
static void
retire(struct zone_def *zone)
{
    zone->dataset_count = 0;
    zone->authority_data = false;
    zone->soa.ttl_s = zone->soa.minimum_s = RETIRED_TTL_S;
}

enum err
confzones_make(struct conf *conf, const struct zone_text *common, const struct zone_text *texts,
    unsigned count, struct errmsg *msg)
{
    unsigned shipped_count;
    const struct shipped_zone *shipped = zones_shipped(&shipped_count);
    conf->zones = conf_alloc(conf, (shipped_count + count) * sizeof *conf->zones);
    if (conf->zones == NULL)
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    enum err err = set_acl(conf, common, conf->acl, msg);
    for (unsigned i = 0; i < shipped_count && err == ERR_OK; i++)
        err = make_shipped(conf, common, texts, count, &shipped[i], msg);
    for (unsigned i = 0; i < count && err == ERR_OK; i++)
        err = place(conf, common, &texts[i], msg);
    for (unsigned i = 0; i < conf->zone_count; i++)
        for (unsigned k = 0; k < conf->zones[i].dataset_count && err == ERR_OK; k++)
            err = check_dataset(conf, &conf->zones[i], conf->zones[i].datasets[k], msg);
    for (unsigned i = 0; i < conf->zone_count && conf->retired; i++)
        retire(&conf->zones[i]);
    return err;
}

uint64_t
zone_digest(const struct zone_def *zone)
{
    const uint32_t numbers[] = {(uint32_t)zone->kind, zone->enabled, zone->informational,
        zone->private, zone->show.bits, zone->beside_score.bits, zone->ttl_s, zone->authority_data,
        zone->ns_in_answers, zone->sixtofour, zone->keyed, (uint32_t)zone->errors, zone->soa.ttl_s,
        zone->soa.refresh_s, zone->soa.retry_s, zone->soa.expire_s, zone->soa.minimum_s,
        zone->dataset_count, zone->ns_count};
    uint64_t hash = FNV_START;
    hash = fnv_add(hash, zone->apex.b, zone->apex.len);
    hash = fnv_add(hash, numbers, sizeof numbers);
    hash = fnv_add(hash, zone->soa.mname.b, zone->soa.mname.len);
    hash = fnv_add(hash, zone->soa.rname.b, zone->soa.rname.len);
    hash = fnv_add(hash, zone->url, strlen(zone->url) + 1);
    hash = fnv_add(hash, zone->acl, strlen(zone->acl) + 1);
    for (unsigned i = 0; i < zone->dataset_count; i++)
        hash = fnv_add(hash, zone->datasets[i], strlen(zone->datasets[i]) + 1);
    for (unsigned i = 0; i < zone->ns_count; i++)
        hash = fnv_add(hash, zone->ns[i].b, zone->ns[i].len);
    return hash;
}

struct slice
conf_next_warning(const char **at)
{
    struct slice line = slice_of(*at, strcspn(*at, "\n"));
    *at += line.n + ((*at)[line.n] == '\n');
    return line;
}

unsigned
conf_enabled_zones(const struct conf *conf)
{
    unsigned enabled = 0;
    for (unsigned i = 0; i < conf->zone_count; i++)
        enabled += conf->zones[i].enabled;
    return enabled;
}
