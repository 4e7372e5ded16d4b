/*
 * Questions to the resolver while an event loop runs: each has one callback, within a bounded time.
 * No cache: the resolver has one. UDP alone; a truncated answer is as good as none.
 */
#ifndef TOOLS_POLICY_DNS_H
#define TOOLS_POLICY_DNS_H

#include <ev.h>

#include "loader/resolve_peer.h"
#include "loader/resolve_wire.h"

struct policy_dns;

/* reply is NULL when nothing conclusive came in time; borrowed during the call. number is the
 * asker's own. */
typedef void (*policy_dns_fn)(void *ctx, unsigned number, const struct resolve_reply *reply);

/* timeout_s bounds a question with its one repetition. */
enum err policy_dns_open(struct ev_loop *loop, const struct resolve_peer *peer, uint32_t timeout_s,
    struct policy_dns **out, struct errmsg *msg) MUST_CHECK;
void policy_dns_close(struct policy_dns **dns);

/* False when it could not be asked: as many as there may be are in flight, or no memory. Then
 * nothing is called back. */
bool policy_dns_ask(struct policy_dns *dns, enum dns_type type, const struct dname *name,
    policy_dns_fn done, void *ctx, unsigned number);
/* Whoever asked with ctx is gone: nothing is called back any more. O(what may be in flight). */
void policy_dns_forget(struct policy_dns *dns, const void *ctx);

#endif
