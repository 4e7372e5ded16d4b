/*
 * What a zone's datasets say of a name: listed, no data, or no such name (README, "Names and
 * answers"). On the answer path: nothing allocated.
 */
#ifndef SERVER_LOOKUP_H
#define SERVER_LOOKUP_H

#include "server/acl.h"
#include "zones/dname.h"
#include "zones/ip.h"

enum lookup_status {
    LOOKUP_NXDOMAIN,
    LOOKUP_NODATA,
    LOOKUP_LISTED,
    LOOKUP_EXPIRED, /* a dataset is too old, and no other one lists the name */
    LOOKUP_MISSING, /* likewise, but not in the store yet */
    LOOKUP_FAILED   /* a damaged record */
};

/* What a client with a wrong set-up asked: never listed. */
enum wrong_kind {
    WRONG_NONE,
    WRONG_ADDRESS, /* an address of a zone of names */
    WRONG_NAME,    /* a name, or an address that is not reversed, of a zone of addresses */
    WRONG_COLON,   /* an IPv6 address as text */
    WRONG_DOUBLED  /* the zone's name twice */
};

/* A name can be in several datasets, with several elements each; more are left out. */
enum { LOOKUP_ITEMS_MAX = 32 };

/* What $ stands for, and what the evidence is about: an address, or a part of the name that was
 * asked. */
struct lookup_subject {
    bool is_ip;
    uint8_t network; /* of an address: bits of the IPv6 network that is judged; 0: the address */
    uint8_t at, n;   /* of a name: bytes of the one asked, without a root label */
    struct ip ip;
};

struct lookup_item {
    struct slice records;  /* n > 0: plain records (recordset.h), and only those */
    uint32_t a;            /* host byte order */
    enum reason reason;    /* whose text it is, unless literal */
    bool literal, has_txt; /* a literal has a template of its own, or no text */
    struct slice txt;      /* borrowed from the snapshot; unless literal, what a policy adds to the
                              reason (struct spftable_hit), n 0: nothing */
    uint32_t ttl_s;        /* of A and TXT */
    uint16_t dataset;      /* where evidence lies */
    bool has_evidence;     /* may have some: judged datasets */
    struct lookup_subject subject;
};

struct lookup {
    enum lookup_status status;
    enum wrong_kind wrong_kind;
    const struct dname *asked; /* the caller's */
    struct ip ip;              /* that was asked */
    unsigned count;
    struct lookup_item items[LOOKUP_ITEMS_MAX];
};

/* Whose question it is, and of what. */
struct lookup_ask {
    struct snapshot *snapshot; /* is ready */
    const struct conf *conf;
    const struct zone_def *zone;
    const struct view_state *view;
    const struct acl *acl; /* NONE, LISTED or EMPTY */
    struct ip client;
    int64_t now_s;
};

/* relative is the name below the apex; the root is the apex, where lists have plain records only.
 * It is borrowed as long as *out is used. */
void lookup_name(const struct lookup_ask *ask, const struct dname *relative, struct lookup *out);
/* Every dataset of the zone is there and served at this time. */
bool lookup_loaded(const struct lookup_ask *ask);

#endif
