/*
 * Putting the zones of a configuration together: shipped definitions, what the file says of them,
 * and the file's own zones. Private to zoneconf.c; the configuration library stays there.
 */
#ifndef ZONES_CONFZONES_H
#define ZONES_CONFZONES_H

#include "zoneconf.h"

/* What the file says of one zone, or by its top level of all of them; NULL, 0 and -1: nothing. */
struct zone_text {
    const char *title;
    const char *kind;
    int enabled, private, informational;
    bool authority_data, ns_in_answers, sixtofour, keyed;
    unsigned show_count, dataset_count, ns_count, acl_count;
    const char *const *show;
    const char *const *datasets;
    const char *const *ns;
    const char *const *acl;
    const char *ttl, *negative_ttl, *url, *contact, *errors;
    unsigned line;
};

/* Memory that lives as long as the configuration; zeroed, NULL when there is none. */
void *conf_alloc(struct conf *conf, size_t size);
char *conf_strdup(struct conf *conf, const char *text);

/* The apex that a title stands for: "dom" lies below the base, "base" is it, a title with a dot is
 * a whole name. */
enum err confzones_apex(const struct conf *conf, const char *title, struct dname *out) MUST_CHECK;

/* Fills conf->zones. conf's base, lists and path are set already. */
enum err confzones_make(struct conf *conf, const struct zone_text *common,
    const struct zone_text *texts, unsigned count, struct errmsg *msg) MUST_CHECK;

#endif
