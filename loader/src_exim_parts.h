/*
 * The parts that Exim's messages are made of, for src_exim*.c alone: " KEY=value" fields, and the
 * client as "name (HELO) [address]:port". Pure; texts are borrowed from the message.
 */
#ifndef LOADER_SRC_EXIM_PARTS_H
#define LOADER_SRC_EXIM_PARTS_H

#include "loader/logevent.h"

/* -- fields: " KEY=value" -- */

enum exim_field {
    EXIM_FIELD_SENDER,
    EXIM_FIELD_AUTH,
    EXIM_FIELD_PROTOCOL,
    EXIM_FIELD_SPF,
    EXIM_FIELD_INTERFACE,
    EXIM_FIELD_COUNT
};

struct exim_fields {
    struct text value[EXIM_FIELD_COUNT];
    bool twice; /* one of them: part of it is a stranger's text */
};

/* An address, a word, a quoted text: up to a blank that is neither quoted nor escaped. False where
 * a quote is never closed. */
bool exim_take_value(struct text *in, struct text *out);
/* From the left; *in is then what follows them. */
void exim_take_fields(struct text *in, struct exim_fields *out);

/* -- the client: "name (HELO) [address]:port" -- */

struct exim_host {
    struct log_client client;
    struct text helo;
    bool helo_is_name; /* no HELO is written: it is the name, or the address as a literal, or the
                          client has not greeted yet */
    struct text rest;
};

/* Whether what follows a client has the form that it must have. */
typedef bool (*exim_follows_fn)(struct text rest);

/* A HELO that holds what looks like its own end is told apart by follows, where that is not NULL.
 * False where no client can be read, or more than one. */
bool exim_take_host(struct text in, exim_follows_fn follows, struct exim_host *out);
/* Behind the one " H=" of a line that quotes a stranger's text before and after it. Where two can
 * be read the client is known if they agree, the HELO is not. */
bool exim_find_host(struct text in, struct exim_host *out);

/* -- into the event -- */

/* greeted: the client has sent its HELO. */
void exim_set_host(const struct exim_host *host, bool greeted, struct log_event *out);
void exim_set_sender(struct text sender, struct log_event *out);
void exim_set_fields(const struct exim_fields *fields, struct log_event *out);

#endif
