/* A borrowed run of bytes. Who owns them, and for how long, is said where a slice is handed out. */
#ifndef ZONES_SLICE_H
#define ZONES_SLICE_H

#include <stddef.h>
#include <string.h>

struct slice {
    const void *p;
    size_t n;
};

static inline struct slice
slice_of(const void *p, size_t n)
{
    return (struct slice){.p = p, .n = n};
}

/* memcmp order, a shorter prefix first: the order of keys in every store. */
static inline int
slice_cmp(struct slice a, struct slice b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n == 0 ? 0 : memcmp(a.p, b.p, n);

    if (c != 0)
        return c;
    return (a.n > b.n) - (a.n < b.n);
}

#endif
