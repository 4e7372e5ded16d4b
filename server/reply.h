/*
 * A response that grows: records, their sections and what is done when they do not fit. On the
 * answer path; for answer.c and answer_data.c.
 */
#ifndef SERVER_REPLY_H
#define SERVER_REPLY_H

#include "server/acl.h"
#include "server/answer.h"
#include "server/edns.h"
#include "server/rrl.h"

struct reply {
    const struct view_table *views;
    const struct conf *conf;
    struct snapshot *snapshot;
    const struct request *request;
    struct query *query; /* apart, for it need not be cleared */
    int64_t now_s;
    struct wire_out out;
    size_t first; /* where the answer section begins */
    size_t limit; /* bytes that the whole may have */
    const struct zone_def *zone;
    const struct view_state *view;
    struct acl acl;
    unsigned rcode, answers, authority;
    bool authoritative;
    bool dropped;         /* it is not to be sent */
    bool lost;            /* a record was left out (STRICT_NO_TC) */
    struct rrl_mark rate; /* for gate_limit */
    struct ede_note ede;
    struct answer_note *note;
};

/* Begins with the question; room for an OPT is kept free. */
void reply_begin(struct reply *reply, uint8_t *out, size_t out_size);

/* An error instead of an answer; what was written goes. text is static, at most 19 bytes. */
void reply_fail(struct reply *reply, enum rcode rcode, enum ede code, const char *text);

/* A record of the question's name, unless the answer has it already (RFC 2181 5). */
void reply_put(struct reply *reply, uint16_t type, uint32_t ttl_s, const void *rdata, size_t n);
/* The zone's, into the answer. Only if it has them. */
void reply_put_soa(struct reply *reply);
void reply_put_ns(struct reply *reply);
/* A negative answer: the SOA, if the zone has one, with the time it may be kept (RFC 2308 3). */
void reply_put_negative(struct reply *reply, enum rcode rcode);
/* The NS set into the authority section, all or none. */
void reply_put_ns_authority(struct reply *reply);

/* OPT and header; returns the length. */
size_t reply_finish(struct reply *reply);

#endif
