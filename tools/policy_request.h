/*
 * A request of Postfix's policy delegation protocol (SMTPD_POLICY_README of Postfix): lines
 * "name=value", ended by an empty line. Pure.
 */
#ifndef TOOLS_POLICY_REQUEST_H
#define TOOLS_POLICY_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/observation.h"
#include "zones/slice.h"

#define POLICY_REQUEST_MAX  16384 /* bytes; Postfix sends some 1,000, certificates make it more */
#define POLICY_INSTANCE_MAX 64

struct policy_request {
    bool is_access;                /* request=smtpd_access_policy; nothing else is answered for */
    bool knows_helo, knows_sender; /* by protocol_state; if not, sender is OBS_SENDER_UNKNOWN */
    bool takes_header; /* PREPEND comes when the message has its instance, and before its end */
    bool has_client;   /* client_address was an address */
    struct ip client;
    bool authenticated; /* by SASL */
    struct helo helo;   /* empty: none given */
    enum obs_sender sender;
    bool sender_literal; /* OBS_SENDER_BAD: an address in brackets stands for its domain */
    struct dname sender_domain;
    char instance[POLICY_INSTANCE_MAX]; /* the same for all recipients of a message; "" unknown */
};

enum policy_parse {
    POLICY_PARSE_MORE, /* the empty line is not there yet */
    POLICY_PARSE_DONE,
    POLICY_PARSE_BAD /* no such protocol; close */
};

/* Reads the request that bytes begin with; *used is its length if it is DONE. Attributes that are
 * not known are passed over, as the protocol asks. One that is longer than POLICY_REQUEST_MAX is
 * BAD. */
enum policy_parse policy_request_parse(
    struct slice bytes, struct policy_request *out, size_t *used);

#endif
