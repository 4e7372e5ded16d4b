/*
 * The gate: who is answered, and how often. Cookies are judged before an answer, keys and their
 * quotas within it, and the rate of responses behind it. A worker has one, made by the supervisor
 * before the fork; rates and quotas are counted in memory that all workers share. On the answer
 * path, but for gate_make.c.
 */
#ifndef SERVER_GATE_H
#define SERVER_GATE_H

#include "server/cookie.h"
#include "server/quota.h"
#include "server/reply.h"
#include "server/rrl.h"

struct gate {
    const struct conf *conf; /* borrowed */
    struct cookie_secrets cookies;
    struct rrl rrl;
    struct keyring keys;
    struct quota_slot *quotas;  /* by a key's slot; borrowed; NULL: no keys */
    struct quota_share *shares; /* likewise; the worker's own by the fork */
};

/* Once, for all configurations of a process. */
struct gate_common {
    struct siphash_key secret; /* of cookies, where no file has one */
    struct quota_table quotas;
};

/* The request's gate may be missing in all of these. */
/* Judges the query's cookie; see cookie_take. */
enum rcode gate_cookie(struct reply *reply);
/* Once the cookie is known: whether the reply will be counted. */
void gate_begin(struct reply *reply);
/* Notes where in the name of a keyed zone the key is, so that it is hidden from logs whatever comes
 * of the query. reply->zone is set. */
void gate_find_key(struct reply *reply);
/* Of a keyed zone: whether the query goes on; *apex is then the name that the data lies below. Else
 * the reply is made. The zone's own name needs no key. */
bool gate_take_key(struct reply *reply, struct dname *apex);
/* Counts the finished reply; false if it is not to be sent. It may be truncated here. */
bool gate_limit(struct reply *reply);

/* gate_make.c */
enum err gate_common_init(
    struct gate_common *out, const struct conf *conf, int64_t now_s, struct errmsg *msg) MUST_CHECK;
void gate_common_free(struct gate_common *common);
/* Reads what conf names. conf and common are borrowed. */
enum err gate_new(const struct conf *conf, struct gate_common *common, struct gate **out,
    struct errmsg *msg) MUST_CHECK;
void gate_free(struct gate **gate);
/* Whether the files that conf names are good. */
enum err gate_check(const struct conf *conf, struct errmsg *msg) MUST_CHECK;

#endif
