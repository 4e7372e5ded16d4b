/* Files of domain names, a line each: domains whose policies are wanted though nobody wrote. */
#ifndef LOADER_KNOWNDOMAINS_H
#define LOADER_KNOWNDOMAINS_H

#include "zones/dname.h"
#include "zones/err.h"
#include "zones/zoneconf.h"

/* An empty list is all zero bytes. */
struct known_domains {
    struct dname *names;
    size_t count, room;
};

/* Reads the files of conf->spf. Lines that hold no domain name are skipped and told in the log, the
 * first of each file with its number. ERR_NOTFOUND, ERR_IO, ERR_NOMEM with the file in msg. */
enum err known_domains_read(
    const struct conf *conf, struct known_domains *out, struct errmsg *msg) MUST_CHECK;
void known_domains_free(struct known_domains *known);

#endif
