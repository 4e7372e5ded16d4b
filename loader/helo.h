/*
 * What the text of a HELO alone says (RFC 5321 4.1.1.1, 4.1.3). Pure.
 */
#ifndef LOADER_HELO_H
#define LOADER_HELO_H

#include <stdbool.h>

#include "loader/observation.h"

enum helo_kind {
    HELO_KIND_ABSENT,
    HELO_KIND_NAME,    /* a well-formed name with a dot */
    HELO_KIND_SINGLE,  /* one label: localhost, hostnameonly */
    HELO_KIND_LITERAL, /* [192.0.2.1], [IPv6:2001:db8::1] */
    HELO_KIND_BARE_IP, /* 192.0.2.1 without brackets: never valid */
    HELO_KIND_INVALID  /* bytes or form that no host name has */
};

struct helo_form {
    enum helo_kind kind;
    struct dname name; /* of NAME and SINGLE */
    struct ip ip;      /* of LITERAL and BARE_IP */
    bool local;        /* localhost, .local, .lan, .home.arpa ...: a name for inside use */
};

void helo_classify(const struct helo *helo, struct helo_form *out);
const char *helo_kind_text(enum helo_kind kind);

#endif
