/*
 * What is to be listed of one judged dataset, row by row, and the set to publish that is made of
 * it.
 */
#ifndef LOADER_VERDICTROWS_H
#define LOADER_VERDICTROWS_H

#include "loader/publish.h"

struct verdictrow {
    struct range range; /* of an address set */
    struct dname name;  /* of a name set */
    uint8_t *key;       /* dname_key of it */
    size_t key_len;
    struct reason_set reasons;
    int64_t since_s;
    char *detail;
    uint8_t value[VALUE_REASONS_SIZE];
};

/* Zeros to begin with. Rows own their keys and details. */
struct verdictrows {
    struct verdictrow *rows;
    size_t count, room;
    struct ipset_entry *addrs; /* of verdictrows_make */
    struct nameset_entry *names;
    struct evidence_entry *evidence;
};

/* A zeroed row at the end, or NULL without memory. */
struct verdictrow *verdictrows_add(struct verdictrows *rows);
/* ERR_NOMEM. */
enum err verdictrow_set_name(struct verdictrow *row, const struct dname *name) MUST_CHECK;
/* Without those behind the first so many. */
void verdictrows_cut(struct verdictrows *rows, size_t count);
/* Sorts the rows and fills the set's entries and evidence, which live as long as the rows; its kind
 * says whether by address or by name. ERR_NOMEM. */
enum err verdictrows_make(
    struct verdictrows *rows, bool has_evidence, struct publish_set *set) MUST_CHECK;
void verdictrows_free(struct verdictrows *rows);

#endif
