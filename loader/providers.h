/*
 * Providers whose names strangers borrow: the table providers.def. Pure.
 */
#ifndef LOADER_PROVIDERS_H
#define LOADER_PROVIDERS_H

#include "zones/dname.h"

/* Who alone greets with names at or below the provider's domain, or NULL. Static storage. */
const char *provider_of_helo(const struct dname *name);
/* Whose name it is, of a host or of mailboxes, or NULL. */
const char *provider_of_name(const struct dname *name);
/* Whose mailboxes a registered domain is of, whose mail comes from the provider's hosts, or NULL.
 */
const char *provider_of_sender(const struct dname *organisation);
/* Whose host has a name of that registered domain, or NULL. */
const char *provider_of_host(const struct dname *organisation);

#endif
