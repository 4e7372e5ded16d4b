/* Questions to a name server or to the system's resolver, by ldns. */
#ifndef TOOLS_ASK_H
#define TOOLS_ASK_H

#include <stdbool.h>

#include "zones/zoneconf.h"

struct ldns_struct_resolver;

/* Where to ask a server that listens there: for "every address" the loopback. */
struct ip ask_address(const struct endpoint *listen);

/* Asks server, or for NULL what /etc/resolv.conf names, with recursion; within a few seconds. NULL
 * where there is no memory or no resolver. Freed with ldns_resolver_deep_free. */
struct ldns_struct_resolver *ask_resolver(const struct endpoint *server);

enum ask_type { ASK_A = 1, ASK_NS = 2, ASK_SOA = 6 };
enum ask_way {
    ASK_PLAIN = 0,
    ASK_TCP = 1,
    ASK_UNCHECKED = 2 /* DNSSEC is not to be checked (CD, RFC 4035 3.2.2) */
};

#define ASK_MOST 16
struct ask_reply {
    bool answered; /* false: nobody, in time */
    unsigned rcode;
    bool authoritative;
    unsigned count; /* of the type asked, as many as there is room for */
    uint32_t a[ASK_MOST];
    struct dname names[ASK_MOST]; /* NS */
};

void ask_once(const struct endpoint *server, const struct dname *name, enum ask_type type,
    enum ask_way way, struct ask_reply *out);

#endif
