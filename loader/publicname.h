/*
 * Which names can be public, and where one organisation's names end. The only file that includes
 * libpsl (publicname.c): the Public Suffix List says where registrable domains begin.
 */
#ifndef LOADER_PUBLICNAME_H
#define LOADER_PUBLICNAME_H

#include <stdbool.h>

#include "zones/dname.h"
#include "zones/err.h"

struct publicname;
enum err publicname_open(struct publicname **out, struct errmsg *msg) MUST_CHECK;
void publicname_close(struct publicname **names);

/* localhost, localdomain and the top levels set aside for other uses than public DNS (RFC 6761,
 * RFC 6762, RFC 7686, RFC 8375, RFC 9476, ICANN's "internal"): nothing below them exists in public
 * DNS, whatever a resolver says. The documentation names of RFC 2606 (example) are not among them,
 * so that examples and tests can be run. */
bool publicname_special(const struct dname *name);

/* The top level is on the Public Suffix List, so that nobody has to ask DNS for it. */
bool publicname_known_top(const struct publicname *names, const struct dname *name);

/* Whether names are registered below it, by the list's part for public registries: "co.uk". Text is
 * lower case. */
bool publicname_is_suffix(const struct publicname *names, const char *text);

/* The name's registrable domain ("mail.a.example.co.uk" -> "example.co.uk"); the name itself where
 * it has none. */
void publicname_registrable(
    const struct publicname *names, const struct dname *name, struct dname *out);

#endif
