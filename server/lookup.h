/*
 * What a zone's datasets say of a name: listed, no data, or no such name (README, "Names and
 * answers"). On the answer path: nothing allocated.
 */
#ifndef SERVER_LOOKUP_H
#define SERVER_LOOKUP_H

#include "server/answer.h"

enum lookup_status {
    LOOKUP_NXDOMAIN,
    LOOKUP_NODATA,
    LOOKUP_LISTED,
    LOOKUP_EXPIRED, /* a dataset is too old, and no other one lists the name */
    LOOKUP_MISSING, /* likewise, but not in the store yet */
    LOOKUP_FAILED   /* a damaged record */
};

/* A name can be in several datasets, with several elements each; more are left out. */
enum { LOOKUP_ITEMS_MAX = 32 };

struct lookup_item {
    uint32_t a;            /* host byte order */
    enum reason reason;    /* whose text it is, unless literal */
    bool literal, has_txt; /* a literal has a template of its own, or no text */
    struct slice txt;      /* borrowed from the snapshot; unless literal, what a policy adds to the
                              reason (struct spftable_hit), n 0: nothing */
    uint16_t dataset;      /* where evidence lies */
    bool subject_is_ip;    /* what $ stands for, and what the evidence is about */
    bool has_evidence;     /* may have some: judged datasets */
    struct dname subject;  /* unless an address */
};

struct lookup {
    enum lookup_status status;
    bool wrong_kind;
    struct ip ip;
    uint32_t ttl_s; /* the least of the datasets that matched; 0: the zone's */
    unsigned count;
    struct lookup_item items[LOOKUP_ITEMS_MAX];
};

/* relative is the name below the apex, not the apex itself. The snapshot is ready. */
void lookup_name(struct snapshot *snapshot, const struct zone_def *zone,
    const struct view_state *view, const struct dname *relative, int64_t now_s, struct lookup *out);

#endif
