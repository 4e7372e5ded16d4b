/* See providers.h. */
#include "loader/providers.h"

#include <stdlib.h>
#include <string.h>

/* Labels of a registered domain here: "aol.com", "bol.com.br". */
enum { LABELS_MIN = 2, LABELS_MAX = 3 };

enum use { HELO = 1, SENDER = 2, BOTH = HELO | SENDER };

struct provider {
    const char *domain, *owner;
    enum use use;
};

static const struct provider providers[] = {
#define PROVIDER(domain, owner, use) {domain, owner, use},
#include "loader/providers.def"
#undef PROVIDER
};

static int
by_domain(const void *text, const void *provider)
{
    return strcmp(text, ((const struct provider *)provider)->domain);
}

/* The table's row of a domain that has the use, or NULL. */
static const struct provider *
row_of(const struct dname *domain, enum use use)
{
    char text[DNAME_TEXT_SIZE];

    dname_format(domain, text);
    const struct provider *row = bsearch(
        text, providers, sizeof providers / sizeof *providers, sizeof *providers, by_domain);
    return row != NULL && (row->use & use) != 0 ? row : NULL;
}

/* The owner of the name, or of the domain that it lies below. */
static const char *
owner_above(const struct dname *name, enum use use)
{
    unsigned count = dname_labels(name);

    for (unsigned labels = LABELS_MIN; labels <= LABELS_MAX && labels <= count; labels++) {
        struct dname domain;
        dname_strip(name, count - labels, &domain);
        const struct provider *row = row_of(&domain, use);
        if (row != NULL)
            return row->owner;
    }
    return NULL;
}

const char *
provider_of_helo(const struct dname *name)
{
    return owner_above(name, HELO);
}

const char *
provider_of_name(const struct dname *name)
{
    return owner_above(name, BOTH);
}

static const char *
owner_of(const struct dname *organisation, enum use use)
{
    const struct provider *row = organisation->len > 1 ? row_of(organisation, use) : NULL;

    return row != NULL ? row->owner : NULL;
}

const char *
provider_of_sender(const struct dname *organisation)
{
    return owner_of(organisation, SENDER);
}

const char *
provider_of_host(const struct dname *organisation)
{
    return owner_of(organisation, BOTH);
}
