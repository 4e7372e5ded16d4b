/*
 * What answers.mdb says of a subject before this run: its reasons in a judged dataset, and since
 * when. A NULL reader, or a dataset that is not there, says nothing.
 */
#ifndef LOADER_PREVIOUS_H
#define LOADER_PREVIOUS_H

#include "zones/kvread.h"
#include "zones/store.h"
#include "zones/verdict.h"

struct previous {
    struct reason_set reasons;
    int64_t since_s; /* 0: was not in the dataset */
};

enum err previous_ip(struct kvread *reader, const char *dataset, const struct ip *ip,
    struct previous *out) MUST_CHECK;
enum err previous_name(struct kvread *reader, const char *dataset, const struct dname *name,
    struct previous *out) MUST_CHECK;
enum err previous_pair(struct kvread *reader, const char *dataset, const struct ip *ip,
    const struct dname *domain, int64_t now_s, struct reason_set *out) MUST_CHECK;

/* The catalog's entry of a dataset; ERR_NOTFOUND if it has none. */
enum err previous_dataset(struct kvread *reader, const char *name, struct dataset *out) MUST_CHECK;

#endif
