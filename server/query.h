/*
 * A query's bytes taken apart. Pure; on the answer path. RFC 1035 4.1, RFC 6891.
 */
#ifndef SERVER_QUERY_H
#define SERVER_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zones/dname.h"
#include "zones/slice.h"
#include "zones/zoneconf.h"

#define QUERY_HEADER_SIZE 12

enum rr_type {
    RR_A = 1,
    RR_NS = 2,
    RR_SOA = 6,
    RR_TXT = 16,
    RR_OPT = 41,
    RR_TSIG = 250,
    RR_META_FIRST = 128, /* RFC 6895 3.1: 128 to 255 are questions, no data */
    RR_IXFR = 251,
    RR_AXFR = 252,
    RR_ANY = 255
};
/* EDNS options that are understood (RFC 5001 2.3, RFC 7873 4, RFC 7828 3.1). */
enum edns_option { OPTION_NSID = 3, OPTION_COOKIE = 10, OPTION_KEEPALIVE = 11, OPTION_EDE = 15 };
enum rr_class { CLASS_IN = 1, CLASS_CH = 3, CLASS_ANY = 255 };
enum rcode {
    RCODE_NOERROR = 0,
    RCODE_FORMERR = 1,
    RCODE_SERVFAIL = 2,
    RCODE_NXDOMAIN = 3,
    RCODE_NOTIMP = 4,
    RCODE_REFUSED = 5,
    RCODE_BADVERS = 16,  /* RFC 6891 9 */
    RCODE_BADCOOKIE = 23 /* RFC 7873 8 */
};
enum {
    FLAG_QR = 0x8000,
    FLAG_AA = 0x0400,
    FLAG_TC = 0x0200,
    FLAG_RD = 0x0100,
    FLAG_CD = 0x0010,
    OPCODE_MASK = 0x7800
};

/* Of the client's cookie option: none, without a server cookie, with one that is not good now, with
 * a good one (cookie.h). */
enum cookie_state { COOKIE_NONE, COOKIE_CLIENT, COOKIE_BAD, COOKIE_GOOD };
#define COOKIE_SIZE 24 /* client and server cookie (RFC 9018 4) */
struct query_cookie {
    enum cookie_state state;
    uint8_t bytes[COOKIE_SIZE]; /* to return, unless the state is NONE */
};

struct query {
    uint16_t id, flags;
    uint16_t qtype, qclass;
    size_t question_len; /* bytes after the header that are echoed; 0: none to echo */
    struct dname qname;
    bool edns, dnssec_ok;
    bool wants_nsid, wants_keepalive;
    uint8_t edns_version;
    uint16_t udp_size;
    struct slice options; /* of the OPT record, not looked at; borrowed from the packet */
    struct query_cookie cookie;
};

/* What is wrong with it: NOERROR if nothing is, FORMERR, NOTIMP or BADVERS; an OPT that could be
 * read is told all the same, since every response to it has one (RFC 6891 6.1.1). *drop is set for
 * what must not be answered at all: too short, or a response (RFC 1035 7.3). A query with no
 * question is good if it has EDNS options: it may be one for a cookie (RFC 7873 5.4). conf says
 * whether to be as strict.def. */
enum rcode query_parse(
    const struct conf *conf, const uint8_t *packet, size_t len, struct query *out, bool *drop);

#endif
