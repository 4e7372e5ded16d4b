/* Between spfflat.c, which makes a policy of pieces, and spfflat_walk.c, which finds the pieces. */
#ifndef LOADER_SPFFLAT_INTERNAL_H
#define LOADER_SPFFLAT_INTERNAL_H

#include "loader/spfdns.h"
#include "loader/spfflat.h"
#include "loader/spfgroups.h"
#include "loader/spfrecord.h"

#define SPFFLAT_LEVELS    (SPF_LOOKUPS_MAX + 2) /* the first record, and one for each look-up */
#define SPFFLAT_TEXTS_MAX 255

/* A record's terms; slices are borrowed from the DNS answers. */
struct spfflat_record {
    struct spfterm *mechanisms; /* in their order, up to an all */
    size_t count, room;
    bool has_redirect, has_exp;
    struct spfterm redirect, exp;
};

/* A record at work: the first one, or that of an include or redirect. */
struct spfflat_level {
    bool final; /* a result here is the policy's: not within an include */
    struct dname domain;
    struct spfflat_record record;
    int texts[SPFFLAT_FAMILIES]; /* of the explanation; -1: not looked for yet */
    struct spfgroups groups;     /* who arrives, and is undecided yet */
    struct spfpieces pieces;     /* who is decided */
};

struct spfflat {
    struct spf_dns dns;
    struct spf_limits limits;
    struct spfflat_level levels[SPFFLAT_LEVELS];
    struct spfset taken;

    /* Of the policy at work. */
    struct dname sender;
    struct spfmacro_values values[SPFFLAT_FAMILIES];
    bool pending, too_large;
    unsigned asked;  /* look-ups so far */
    enum err failed; /* sticky */
    int64_t expires_s;
    struct slice texts[SPFFLAT_TEXTS_MAX]; /* p is owned */
    unsigned text_count;

    struct spftable_span *spans; /* of both families, one behind the other */
    size_t span_room;
};

/* check_host() of RFC 7208 4 for levels[0].groups, whose domain is sender. */
void spfflat_walk(struct spfflat *flat);

/* The number of a text, from 1; 0 if there is no room for it. */
uint8_t spfflat_text(struct spfflat *flat, const char *text, size_t n);
/* The text of the explanation that a fail by this level's record has in the family; 0: none. */
uint8_t spfflat_explanation(struct spfflat *flat, struct spfflat_level *level, unsigned family);

/* Asks; notes what is pending, and the expiry. */
enum dns_status spfflat_ask(
    struct spfflat *flat, enum dns_type type, const struct dname *name, struct dns_answer *answer);

enum spfflat_target { SPFFLAT_TARGET_OK, SPFFLAT_TARGET_BAD, SPFFLAT_TARGET_DYNAMIC };
/* The term's domain-spec in the level's record, for the clients of a family. */
enum spfflat_target spfflat_target(struct spfflat *flat, const struct spfflat_level *level,
    const struct spfterm *term, unsigned family, struct dname *target);

#endif
