/*
 * Providers whose names strangers borrow: the table providers.def. Pure.
 */
#ifndef LOADER_PROVIDERS_H
#define LOADER_PROVIDERS_H

#include "zones/dname.h"

/* Who alone greets with names at or below the provider's domain, or NULL. Static storage. */
const char *provider_of_helo(const struct dname *name);
/* Whether a registered domain is one of mailboxes, whose mail comes from the provider's hosts. */
bool provider_is_sender(const struct dname *organisation);

#endif
