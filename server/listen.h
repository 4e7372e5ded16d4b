/*
 * Sockets: bound once by the supervisor, before privileges are dropped; workers inherit them. A
 * changed configuration keeps those whose address it still has, so that nothing that arrives is
 * lost.
 */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include "server/activation.h"
#include "zones/zoneconf.h"

/* UDP has several sets, over which the kernel spreads the clients (SO_REUSEPORT): as many as there
 * were workers at start. When the number of workers changes, a worker serves several sets, or
 * workers share one: a set that nobody serves would lose its clients, and one that is added later
 * could not be bound by another user than the first. */
struct sockets {
    unsigned endpoints, sets;
    struct endpoint *at;          /* endpoints */
    int *udp;                     /* set * endpoints + endpoint */
    int *tcp;                     /* by endpoint, listening */
    const struct sockets *before; /* those that these were taken over from, until they are closed */
};

/* Binds what conf wants, but takes over from old (NULL: none) or from passed (NULL: none) what has
 * the same address. UDP sets share a passed socket when fewer were passed. old goes
 * on to own that too until sockets_close_others. The message names the address and what to do; on
 * failure nothing new is left open. */
enum err sockets_open(const struct conf *conf, const struct sockets *old, struct activation *passed,
    struct sockets *out, struct errmsg *msg) MUST_CHECK;
/* Closes those that kept (NULL: none) does not have, and frees. */
void sockets_close_others(struct sockets *sockets, const struct sockets *kept);

/* Those of a UDP worker by its number; out has room for endpoints * sets. Returns how many. */
unsigned sockets_of_worker(
    const struct sockets *sockets, unsigned number, unsigned workers, int *out);

/* In a child: closes all but count of its own, since a socket that is held but not read swallows
 * what comes there. */
void sockets_keep_own(const struct sockets *sockets, const int *own, unsigned count);

/* A client's address of a sockaddr_in or sockaddr_in6. */
struct ip sockaddr_ip(const void *address);

#endif
