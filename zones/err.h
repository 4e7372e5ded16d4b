/*
 * Errors as values. Every fallible function of the tree returns enum err and is marked
 * MUST_CHECK; what a person needs to know travels in a struct errmsg beside it.
 */
#ifndef ZONES_ERR_H
#define ZONES_ERR_H

#include <stdarg.h>
#include <stddef.h>

#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* 0 is success, every other value is negative: "if (err < 0)" and "if (err != ERR_OK)" agree. */
enum err {
    ERR_OK = 0,
    ERR_NOTFOUND = -1, /* no such key, file or entry; often not a failure */
    ERR_SYNTAX = -2,   /* text or bytes that do not have the form asked for */
    ERR_RANGE = -3,    /* well-formed, but outside the limits, or no room in the buffer */
    ERR_NOMEM = -4,
    ERR_IO = -5,      /* the operating system refused: file, socket, disk */
    ERR_FULL = -6,    /* map, disk or fixed table is full */
    ERR_FORMAT = -7,  /* a store or file is damaged, cut short, or of another version */
    ERR_BUSY = -8,    /* somebody else holds the lock */
    ERR_TIMEOUT = -9, /* the time allowed ran out */
    ERR_REFUSED = -10 /* a rule forbids it: limits, permissions, policy */
};

/* A message for people: what happened, where (file:line), and what to do. Always terminated. */
struct errmsg {
    char text[1024];
};

/* The kind of error in two or three words, for logs. Static storage. */
const char *err_text(enum err err);

/* Write the message and hand the code back, so that a caller can "return errmsg_set(...)". msg may
 * be NULL. Text from outside goes through %s, never into the format. A text that does not fit is
 * cut. */
enum err errmsg_set(struct errmsg *msg, enum err err, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
