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

/* What is wrong with the text, or with a name that is let pass. */
enum helo_fault {
    HELO_FAULT_NONE,
    HELO_FAULT_ABSENT,     /* no text: not said, or not logged */
    HELO_FAULT_LENGTH,     /* more than 253 bytes, or 63 in a label */
    HELO_FAULT_CHARACTERS, /* bytes that no host name has */
    HELO_FAULT_UNDERSCORE, /* in a name that is well-formed otherwise, and so passes */
    HELO_FAULT_NUMERIC,    /* the last label is a number */
    HELO_FAULT_LABELS,     /* an empty label, or '-' at a label's end */
    HELO_FAULT_LITERAL,    /* brackets without an address in them */
    HELO_FAULT_BARE,       /* an address without brackets */
    HELO_FAULT_SINGLE,     /* one label */
    HELO_FAULT_COUNT
};

/* Whose name or address it is, beside the client that says it: heloident.h. */
enum helo_identity {
    HELO_IDENTITY_UNKNOWN, /* nothing to go by, or DNS did not say */
    HELO_IDENTITY_OWN,     /* resolves to the client, or is its address, or its confirmed name */
    HELO_IDENTITY_STRANGE, /* does not resolve to the client: common among honest hosts */
    HELO_IDENTITY_PRIVATE, /* an address for inside use: behind address translation */
    HELO_IDENTITY_OURS,    /* a name or an address of ours */
    HELO_IDENTITY_ADDRESS, /* the address of another host */
    HELO_IDENTITY_PROVIDER /* a big provider's name, said by somebody else */
};

struct helo_form {
    enum helo_kind kind;
    enum helo_fault fault;
    struct dname name; /* of NAME and SINGLE */
    struct ip ip;      /* of LITERAL and BARE_IP */
    bool local;        /* localhost, .local, .lan, .home.arpa ...: a name for inside use */
};

void helo_classify(const struct helo *helo, struct helo_form *out);
/* What helo_form.local says, of any name. */
bool helo_is_inside(const struct dname *name);
const char *helo_kind_text(enum helo_kind kind);
/* "invalid characters". Static storage. */
const char *helo_fault_text(enum helo_fault fault);

#endif
