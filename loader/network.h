/*
 * The addresses of an IPv6 /64, put together as if they were one client's: who has one of them has
 * all, and need not come twice with the same. Pure; the caller hands over the addresses' facts.
 *
 * They are not one where somebody could suffer for another: when two identities in the /64 are
 * verified, or any mail of it was kept. An identity is a registered domain: of a confirmed reverse
 * name, of a HELO name that resolves to its client, or of a sender whose SPF passes (but for a
 * policy that passes the world).
 */
#ifndef LOADER_NETWORK_H
#define LOADER_NETWORK_H

#include "loader/judge.h"

#define NETWORK_BITS 64

struct network;

/* policy and weights are borrowed until network_free. ERR_NOMEM. */
enum err network_new(
    const struct policy *policy, const struct weights *weights, struct network **out) MUST_CHECK;
void network_free(struct network **network);

/* The network of an IPv6 address. */
struct prefix network_of(const struct ip *ip);

/* Forgets what was added. now_s: as of when. */
void network_begin(struct network *network, const struct ip *ip, int64_t now_s);

/* One of its addresses. Of HELO names and of sender domains it keeps HISTORY_NAMES_MAX apart,
 * and folds others into them, as the history does of one address. */
void network_add(struct network *network, const struct client_facts *facts);

/* Whether what was added is to be judged as one. */
bool network_is_one(const struct network *network);

/* The facts of the whole, of at least one address. Sessions and reports are summed up. Days are
 * those known to be different: of each address the first and the last. The reverse name is chosen
 * by the addresses' sessions as a HELO name is (features.h), or is another one that looks no worse
 * by itself and is worse with the senders. Priors are the caller's. Borrowed from the network until
 * the next begin or add. */
struct client_facts *network_facts(struct network *network);

#endif
