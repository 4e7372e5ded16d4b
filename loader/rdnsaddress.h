/*
 * The client's own address spelled in its reverse name: what no pattern can find, because it
 * differs for each name. Pure.
 */
#ifndef LOADER_RDNSADDRESS_H
#define LOADER_RDNSADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "zones/ip.h"

enum rdnsaddress {
    RDNSADDRESS_NONE,
    RDNSADDRESS_DECIMAL,      /* all four octets, in one of the usual orders, joined or apart */
    RDNSADDRESS_OCTAL,        /* the same in octal */
    RDNSADDRESS_NUMBER,       /* the address as one number, decimal or octal */
    RDNSADDRESS_HEXADECIMAL,  /* eight digits, either way round, joined or apart */
    RDNSADDRESS_THREE_OCTETS, /* the last three, the first three, the first and the last two */
    RDNSADDRESS_TWO_OCTETS,   /* the last two, close together or joined */
    RDNSADDRESS_HEX_OCTETS,   /* the last two or three in hexadecimal, standing alone */
    RDNSADDRESS_LAST_OCTET,   /* the last one after a few letters, deep in a tree: p30.town.area;
                               * of three digits, in a town: cvg-134.town */
    RDNSADDRESS_IPV6          /* either half of an IPv6 address, or its short form with dashes */
};

/* The first of these that holds for the name: len bytes of lower-case text, NUL-terminated, at most
 * DNAME_TEXT_SIZE - 1. Of these the first host bytes are the host's own labels, without the dot
 * after them. */
enum rdnsaddress rdnsaddress_find(const char *text, size_t len, size_t host, const struct ip *ip);
/* Whether nothing of the address is missing. */
bool rdnsaddress_is_whole(enum rdnsaddress spelling);
/* "address, decimal", for people. Static storage. */
const char *rdnsaddress_text(enum rdnsaddress spelling);

#endif
