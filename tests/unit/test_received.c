/* Received headers: each MTA's forms, hostile ones, and whole header blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loader/src_received.h"

#define DATE "Sun, 22 Nov 2026 10:11:12 +0100"
#define WHEN 1795338672

enum {
    AUTH = 1,   /* authenticated */
    LOCAL = 2,  /* no client */
    FETCH = 4,  /* POP, IMAP */
    BAD = 8,    /* ERR_SYNTAX */
    NODATE = 16 /* no time can be read */
};

struct hop_case {
    const char *value;
    unsigned flags;
    const char *ip, *helo;
    enum obs_ptr seen;
    const char *ptr;
};

static const struct hop_case hops[] = {
    /* Postfix. */
    {"from mail.example.com (mail.example.com [203.0.113.7])\r\n\t(using TLSv1.3 with cipher "
     "TLS_AES_256_GCM_SHA384 (256/256 bits)\r\n\t key-exchange X25519)\r\n\t(No client certificate "
     "requested)\r\n\tby mx.example.org (Postfix) with ESMTPS id 4Xy\r\n\tfor "
     "<u@example.org>; " DATE " (CET)",
        0, "203.0.113.7", "mail.example.com", OBS_PTR_VERIFIED, "mail.example.com"},
    {"from [192.168.1.2] (unknown [203.0.113.7]) by mx.example.org (Postfix) with SMTP id 1; " DATE,
        0, "203.0.113.7", "[192.168.1.2]", OBS_PTR_NONE, ""},
    {"from FRIEND (host-7.isp.example [203.0.113.7]) by mx (Postfix) with SMTP id 1; " DATE, 0,
        "203.0.113.7", "friend", OBS_PTR_VERIFIED, "host-7.isp.example"},
    {"from a.example (a.example [IPv6:2001:db8::7]) by mx (Postfix) with ESMTP id 1; " DATE, 0,
        "2001:db8::7", "a.example", OBS_PTR_VERIFIED, "a.example"},
    {"from [127.0.0.1] (isp.example [203.0.113.7]) (Authenticated sender: u@example.org) by mx "
     "(Postfix) with ESMTPSA id 1; " DATE,
        AUTH, "203.0.113.7", "[127.0.0.1]", OBS_PTR_VERIFIED, "isp.example"},
    {"from pc (isp.example [203.0.113.7]) (Authenticated sender: u) by mx (Postfix) with ESMTP id "
     "1; " DATE,
        AUTH, "203.0.113.7", "pc", OBS_PTR_VERIFIED, "isp.example"},
    {"from pc (isp.example [203.0.113.7]) by mx (Postfix) with UTF8SMTPSA id 1; " DATE, AUTH,
        "203.0.113.7", "pc", OBS_PTR_VERIFIED, "isp.example"},
    {"by mx.example.org (Postfix, from userid 1000) id 1; " DATE, LOCAL, NULL, NULL, 0, NULL},
    {"from localhost (localhost [127.0.0.1]) by mx (Postfix) with ESMTP id 1; " DATE, 0,
        "127.0.0.1", "localhost", OBS_PTR_VERIFIED, "localhost"},
    {"from mx ([127.0.0.1]) by localhost (mx [127.0.0.1]) (amavisd-new, port 10024) with ESMTP id "
     "1; " DATE,
        0, "127.0.0.1", "mx", OBS_PTR_NONE, ""},
    /* Zimbra, Dovecot. */
    {"from mx (LHLO mx.example.org) (203.0.113.9) by mx with LMTP; " DATE, LOCAL, NULL, NULL, 0,
        NULL},
    {"from mx by mx with LMTP id abc (envelope-from <u@example.com>) for <v@example.org>; " DATE,
        LOCAL, NULL, NULL, 0, NULL},
    /* Exim. */
    {"from mail.example.com ([203.0.113.7]) by mx with esmtps (TLS1.3) tls T (Exim 4.96) "
     "(envelope-from <u@example.com>) id 1 for v@example.org; " DATE,
        0, "203.0.113.7", "mail.example.com", OBS_PTR_VERIFIED, "mail.example.com"},
    {"from h.isp.example ([203.0.113.7] helo=Mail.Example.com) by mx with esmtp (Exim 4.96) id "
     "1; " DATE,
        0, "203.0.113.7", "mail.example.com", OBS_PTR_VERIFIED, "h.isp.example"},
    {"from h.isp.example ([203.0.113.7]:4711 helo=[10.0.0.1] ident=root) by mx with esmtp (Exim "
     "4.96) id 1; " DATE,
        0, "203.0.113.7", "[10.0.0.1]", OBS_PTR_VERIFIED, "h.isp.example"},
    {"from h.isp.example ([203.0.113.7] ident=u) by mx with esmtp (Exim 4.96) id 1; " DATE, 0,
        "203.0.113.7", "h.isp.example", OBS_PTR_VERIFIED, "h.isp.example"},
    {"from [203.0.113.7] (helo=friend) by mx with smtp (Exim 4.96) id 1; " DATE, 0, "203.0.113.7",
        "friend", OBS_PTR_NONE, ""},
    {"from [203.0.113.7] (port=4711 helo=[10.0.0.1]) by mx with smtp (Exim 4.96) id 1; " DATE, 0,
        "203.0.113.7", "[10.0.0.1]", OBS_PTR_NONE, ""},
    {"from [2001:db8::7]:4711 (helo=friend) by mx with smtp (Exim 4.96) id 1; " DATE, 0,
        "2001:db8::7", "friend", OBS_PTR_NONE, ""},
    {"from [203.0.113.7] by mx with smtp (Exim 4.96) id 1; " DATE, 0, "203.0.113.7", "",
        OBS_PTR_NONE, ""},
    {"from isp.example ([203.0.113.7] helo=pc) by mx with esmtpsa (TLS1.3) (Exim 4.96) id 1; " DATE,
        AUTH, "203.0.113.7", "pc", OBS_PTR_VERIFIED, "isp.example"},
    {"from isp.example ([203.0.113.7] helo=pc) by mx with asmtp (Exim 3.36) id 1; " DATE, AUTH,
        "203.0.113.7", "pc", OBS_PTR_VERIFIED, "isp.example"},
    {"from u by mx with local (Exim 4.96) (envelope-from <u@mx>) id 1; " DATE, LOCAL, NULL, NULL, 0,
        NULL},
    /* Sendmail. */
    {"from mail.example.com (mail.example.com [203.0.113.7]) by mx (8.17.1/8.17.1) with ESMTPS id "
     "a; " DATE,
        0, "203.0.113.7", "mail.example.com", OBS_PTR_VERIFIED, "mail.example.com"},
    {"from mail.example.com ([203.0.113.7]) by mx (8.17.1/8.17.1) with SMTP id a; " DATE, 0,
        "203.0.113.7", "mail.example.com", OBS_PTR_NONE, ""},
    {"from x.example (h.isp.example [203.0.113.7] (may be forged)) by mx (8.17.1/8.17.1) id "
     "a; " DATE,
        0, "203.0.113.7", "x.example", OBS_PTR_UNVERIFIED, "h.isp.example"},
    {"from x.example (h.isp.example [203.0.113.7] (may be\r\n\tforged)) by mx (8.9.3/8.9.3); " DATE,
        0, "203.0.113.7", "x.example", OBS_PTR_UNVERIFIED, "h.isp.example"},
    {"from x (IDENT:root@h.isp.example [203.0.113.7]) by mx (8.9.3/8.9.3) with SMTP id a; " DATE, 0,
        "203.0.113.7", "x", OBS_PTR_VERIFIED, "h.isp.example"},
    {"from x (root@[203.0.113.7]) by mx (8.9.3/8.9.3) with SMTP id a; " DATE, 0, "203.0.113.7", "x",
        OBS_PTR_NONE, ""},
    {"from pc (h.isp.example [203.0.113.7]) (authenticated bits=0) by mx (8.17.1/8.17.1) with "
     "ESMTP "
     "id a; " DATE,
        AUTH, "203.0.113.7", "pc", OBS_PTR_VERIFIED, "h.isp.example"},
    {"(from u@localhost) by mx (8.17.1/8.17.1/Submit) id a; " DATE, LOCAL, NULL, NULL, 0, NULL},
    {"from mail-1.example.com (mail-1.example.com. [203.0.113.7]) by mx with ESMTPS id a; " DATE, 0,
        "203.0.113.7", "mail-1.example.com", OBS_PTR_VERIFIED, "mail-1.example.com"},
    /* qmail and alike. */
    {"(qmail 1234 invoked from network); 22 Nov 2026 09:11:12 -0000", LOCAL, NULL, NULL, 0, NULL},
    {"from unknown (HELO friend) (203.0.113.7) by 0 with SMTP; 22 Nov 2026 09:11:12 -0000", 0,
        "203.0.113.7", "friend", OBS_PTR_NONE, ""},
    {"from h.isp.example (HELO friend) (u@203.0.113.7) by mx with SMTP; " DATE, 0, "203.0.113.7",
        "friend", OBS_PTR_UNSEEN, "h.isp.example"},
    {"from h.isp.example (203.0.113.7) by mx with SMTP; " DATE, 0, "203.0.113.7", "h.isp.example",
        OBS_PTR_UNSEEN, "h.isp.example"},
    {"from unknown (203.0.113.7) by mx with SMTP; " DATE, 0, "203.0.113.7", "", OBS_PTR_NONE, ""},
    {"from h (EHLO x) (2001:db8::7) by mx with ESMTPA; " DATE, AUTH, "2001:db8::7", "x",
        OBS_PTR_UNSEEN, "h"},
    {"from a.example (203.0.113.7) by b (10.0.0.1) with Microsoft SMTP Server id 15; " DATE, 0,
        "203.0.113.7", "a.example", OBS_PTR_UNSEEN, "a.example"},
    {"from h (h [203.0.113.7]) by pc with POP3 (fetchmail-6.3.26) for <u@pc>; " DATE, FETCH,
        "203.0.113.7", "h", OBS_PTR_VERIFIED, "h"},
    {"from unknown (HELO se.example) ([203.0.113.7]) (envelope-sender <u@c.example>) by 0 "
     "(qmail-ldap-1.03) with SMTP for <v@example.org>; " DATE,
        0, "203.0.113.7", "se.example", OBS_PTR_NONE, ""},
    {"from u@c.example by mx by uid 1005 with qmail-scanner-1.10 (Clear:0.); " DATE, LOCAL, NULL,
        NULL, 0, NULL},
    {"from localhost (u@localhost) by mx (8.17.1/8.17.1/Submit) with ESMTP id a; " DATE, LOCAL,
        NULL, NULL, 0, NULL},
    {"from localhost (localhost [[UNIX: localhost]]) by mx (8.11.6/8.11.6) id a; " DATE, LOCAL,
        NULL, NULL, 0, NULL},
    {"from h [127.0.0.1] by pc with IMAP (fetchmail-5.9.0) for u@pc (single-drop); " DATE, FETCH,
        "127.0.0.1", "", OBS_PTR_UNSEEN, ""},
    {"from h [203.0.113.7] by mx with SMTP id 1; " DATE, BAD, NULL, NULL, 0, NULL},
    {"from h [203.0.113.7] (h [198.51.100.9]) by mx with SMTP; " DATE, BAD, NULL, NULL, 0, NULL},
    {"from h [203.0.113.7] [198.51.100.9] by mx with IMAP; " DATE, BAD, NULL, NULL, 0, NULL},
    /* Hostile or broken: text that looks like another field, or could be read in two ways. */
    {"from [198.51.100.9] (helo=x [203.0.113.7]) by mx (Postfix) with SMTP id 1; " DATE, BAD, NULL,
        NULL, 0, NULL},
    {"from unknown (HELO x@localhost) (203.0.113.7) by mx with SMTP; " DATE, 0, "203.0.113.7",
        "x@localhost", OBS_PTR_NONE, ""},
    {"from [203.0.113.7] (helo=x@localhost) by mx with smtp (Exim 4.96) id 1; " DATE, 0,
        "203.0.113.7", "x@localhost", OBS_PTR_NONE, ""},
    {"from (x [198.51.100.9]) (h [203.0.113.7]) by mx with SMTP id 1; " DATE, BAD, NULL, NULL, 0,
        NULL},
    {"(from h.isp.example [203.0.113.7]) by mx (8.17.1/8.17.1) id a; " DATE, BAD, NULL, NULL, 0,
        NULL},
    {"from unknown (unknown [203.0.113.7]) by mx (Postfix) with SMTP id 1; " DATE, 0, "203.0.113.7",
        "", OBS_PTR_NONE, ""},
    {"from LMTP (local [203.0.113.7]) by mx (Postfix) with SMTP id 1; " DATE, 0, "203.0.113.7",
        "lmtp", OBS_PTR_VERIFIED, "local"},
    {"from x (a[198.51.100.9].example [203.0.113.7]) by mx with SMTP id 1; " DATE, BAD, NULL, NULL,
        0, NULL},
    {"from x (authenticated [203.0.113.7]) by mx (Postfix) with SMTP id 1; " DATE, 0, "203.0.113.7",
        "x", OBS_PTR_VERIFIED, "authenticated"},
    {"from x (h [203.0.113.7]) by mx with SMTP (Exim 4.96) (envelope-from <\"a) (Authenticated "
     "sender: b) with ESMTPA\"@c.example>) id 1; " DATE,
        0, "203.0.113.7", "x", OBS_PTR_VERIFIED, "h"},
    {"from x (h [203.0.113.7]) by mx with SMTP id 1 for <u@example.org> with ESMTPA; " DATE, 0,
        "203.0.113.7", "x", OBS_PTR_VERIFIED, "h"},
    {"from x (h [203.0.113.7]) by mx with SMTP id 1 for <\"a;b(\"@example.org>; " DATE, 0,
        "203.0.113.7", "x", OBS_PTR_VERIFIED, "h"},
    {"from x y (h [203.0.113.7]) by mx with SMTP id 1; " DATE, BAD, NULL, NULL, 0, NULL},
    {"from x with ESMTPA (h [203.0.113.7]) by mx with SMTP id 1; " DATE, BAD, NULL, NULL, 0, NULL},
    {"from by (h [203.0.113.7]) by mx with SMTP id 1; " DATE, 0, "203.0.113.7", "by",
        OBS_PTR_VERIFIED, "h"},
    {"from x\\ (h\\.example [203.0.113.7]) by mx with SMTP id 1; " DATE, 0, "203.0.113.7", "x\\",
        OBS_PTR_UNSEEN, ""},
    {"from x (-h-.example [203.0.113.7]) by mx with SMTP id 1; " DATE, 0, "203.0.113.7", "x",
        OBS_PTR_UNSEEN, ""},
    {"from x (h [203.0.113.7] (may be forged) by mx with SMTP id 1; " DATE, BAD, NULL, NULL, 0,
        NULL},
    {"from x (h [203.0.113.7]\\) by mx with SMTP id 1; " DATE, BAD, NULL, NULL, 0, NULL},
    {"from x (h [203.0.113.777]) by mx with SMTP id 1; " DATE, BAD, NULL, NULL, 0, NULL},
    {"from x (h [203.0.113.7) by mx with SMTP id 1; " DATE, BAD, NULL, NULL, 0, NULL},
    {"from x (h [203.0.113.7][198.51.100.9]) by mx with SMTP id 1; " DATE, BAD, NULL, NULL, 0,
        NULL},
    {"from x (h [203.0.113.7] [198.51.100.9]) by mx with SMTP id 1; " DATE, BAD, NULL, NULL, 0,
        NULL},
    {"from x (h [203.0.113.7]:123456 y) by mx with SMTP id 1; " DATE, BAD, NULL, NULL, 0, NULL},
    {"from unknown (HELO x) by mx with SMTP; " DATE, BAD, NULL, NULL, 0, NULL},
    {"from unknown (HELO x) (none) by mx with SMTP; " DATE, BAD, NULL, NULL, 0, NULL},
    {"from [203.0.113.7] by mx with HTTP; " DATE, BAD, NULL, NULL, 0, NULL},
    {"from mail.example.com by mx with SMTP; " DATE, BAD, NULL, NULL, 0, NULL},
    {"from x (h [203.0.113.7])", BAD, NULL, NULL, 0, NULL},
    {"from", BAD, NULL, NULL, 0, NULL},
    {"from (", BAD, NULL, NULL, 0, NULL},
    {"from () by x", BAD, NULL, NULL, 0, NULL},
    {"from ((((((((((((((((", BAD, NULL, NULL, 0, NULL},
    {"nonsense", BAD, NULL, NULL, 0, NULL},
    {"from x (h [203.0.113.7]) by mx with SMTP id 1", NODATE, "203.0.113.7", "x", OBS_PTR_VERIFIED,
        "h"},
    {"from x (h [203.0.113.7]) by mx with SMTP id 1; yesterday", NODATE, "203.0.113.7", "x",
        OBS_PTR_VERIFIED, "h"},
    {"", LOCAL | NODATE, NULL, NULL, 0, NULL},
    {";", LOCAL | NODATE, NULL, NULL, 0, NULL},
};

/* A copy without a NUL behind it, so that a sanitizer sees every step past the end. */
static char *
exact_copy(const char *text, size_t *len)
{
    size_t n = strlen(text);
    char *copy = malloc(n > 0 ? n : 1);

    assert_non_null(copy);
    memcpy(copy, text, n);
    *len = n;
    return copy;
}

/* All that a hop says, with the case in front, so that a failure shows both. */
static void
show_hop(const char *value, const struct received *hop, char *out, size_t size)
{
    char ip[IP_TEXT_SIZE], ptr[DNAME_TEXT_SIZE] = "";

    ip_format(&hop->client, ip);
    if (hop->ptr.len > 0)
        dname_format(&hop->ptr, ptr);
    if (hop->local)
        (void)snprintf(out, size, "%s\n-> local", value);
    else
        (void)snprintf(out, size, "%s\n-> %s helo=%.*s ptr=%d/%s auth=%d fetched=%d", value, ip,
            (int)hop->helo.len, hop->helo.text, hop->ptr_seen, ptr, hop->authenticated,
            hop->fetched);
}

static void
show_case(const struct hop_case *c, char *out, size_t size)
{
    if (c->flags & LOCAL)
        (void)snprintf(out, size, "%s\n-> local", c->value);
    else
        (void)snprintf(out, size, "%s\n-> %s helo=%s ptr=%d/%s auth=%d fetched=%d", c->value, c->ip,
            c->helo, c->seen, c->ptr, (c->flags & AUTH) != 0, (c->flags & FETCH) != 0);
}

static void
hop_table(void **state)
{
    (void)state;
    assert_true(sizeof hops / sizeof hops[0] >= 40);
    for (size_t i = 0; i < sizeof hops / sizeof hops[0]; i++) {
        const struct hop_case *c = &hops[i];
        struct received hop;
        char is[4096], wanted[4096];
        size_t len;
        char *value = exact_copy(c->value, &len);
        enum err err = received_parse(value, len, &hop);

        free(value);
        if (err != (c->flags & BAD ? ERR_SYNTAX : ERR_OK))
            fail_msg("%s: %s", c->value, err_text(err));
        if (err != ERR_OK)
            continue;
        show_hop(c->value, &hop, is, sizeof is);
        show_case(c, wanted, sizeof wanted);
        assert_string_equal(is, wanted);
        if (hop.has_time != ((c->flags & NODATE) == 0) || (hop.has_time && hop.when_s != WHEN))
            fail_msg("%s: time %lld", c->value, (long long)hop.when_s);
    }
}

struct date_case {
    const char *text;
    int64_t when_s; /* -1: not a date */
};

static const struct date_case dates[] = {
    {"Thu, 01 Jan 1970 00:00:00 +0000", 0},
    {"1 Jan 1970 00:00:00 GMT", 0},
    {"Thu, 29 Feb 2024 23:59:60 +0000", 1709251200},
    {"Sun, 22 Nov 2026 10:11:12 +0100", WHEN},
    {"Sun, 22 Nov 2026 10:11:12 +0100 (CET)", WHEN},
    {"Sun,22 Nov 2026 09:11:12 -0000", WHEN},
    {"sun, 22 nov 26 09:11:12 UT", WHEN},
    {"Sun, 22 Nov 126 09:11:12 UT", WHEN},
    {"22 Nov 2026 04:11:12 EST", WHEN},
    {"22 Nov 2026 02:11:12 PDT", WHEN},
    {"22 Nov 2026 14:41:12 +0530", WHEN},
    {"22 Nov 2026 09:11:12", WHEN},
    {"22 Nov 2026 09:11:12 XYZ", WHEN},
    {"22 Nov 2026 09:11", WHEN - 12},
    {"22 Nov 99 09:11:12 +0000", 943261872},
    {"22 Nov 2026", -1},
    {"32 Nov 2026 09:11:12 +0000", -1},
    {"31 Nov 2026 09:11:12 +0000", -1},
    {"0 Nov 2026 09:11:12 +0000", -1},
    {"22 Foo 2026 09:11:12 +0000", -1},
    {"22 Nov 2026 24:11:12 +0000", -1},
    {"22 Nov 2026 09:60:12 +0000", -1},
    {"22 Nov 2026 09:11:61 +0000", -1},
    {"22 Nov 20266 09:11:12 +0000", -1},
    {"22 Nov 1969 09:11:12 +0000", -1},
    {"", -1},
    {"Sun,", -1},
};

static void
date_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        char value[256];
        struct received hop;

        (void)snprintf(value, sizeof value, "from x (h [203.0.113.7]) by y; %s", dates[i].text);
        assert_int_equal(received_parse(value, strlen(value), &hop), ERR_OK);
        if ((hop.has_time ? hop.when_s : -1) != dates[i].when_s)
            fail_msg("%s: %lld", dates[i].text, (long long)hop.when_s);
    }
}

struct address_case {
    const char *text;
    enum obs_sender sender;
    const char *domain;
};

static const struct address_case addresses[] = {
    {"<u@Example.COM>", OBS_SENDER_DOMAIN, "example.com"},
    {" u@example.com \r\n", OBS_SENDER_DOMAIN, "example.com"},
    {"<>", OBS_SENDER_NULL, ""},
    {" < > ", OBS_SENDER_NULL, ""},
    {"<@a.example,@b.example:u@c.example>", OBS_SENDER_DOMAIN, "c.example"},
    {"<\"x@y\"@example.com>", OBS_SENDER_DOMAIN, "example.com"},
    {"\"A <x@bank.example>\" <u@example.com>", OBS_SENDER_DOMAIN, "example.com"},
    {"<\"x<v@bank.example>\"@example.com>", OBS_SENDER_DOMAIN, "example.com"},
    {"<\"x\\\"<v@bank.example>\"@example.com>", OBS_SENDER_DOMAIN, "example.com"},
    {"\"A\" B\" <u@example.com>", OBS_SENDER_DOMAIN, "example.com"},
    {"<\"x@example.com>", OBS_SENDER_DOMAIN, "example.com"},
    {"u@example.com (Name <x>", OBS_SENDER_BAD, ""},
    {"u@example.com (Name)", OBS_SENDER_DOMAIN, "example.com"},
    {"u@example.com, v@example.net", OBS_SENDER_DOMAIN, "example.net"},
    {"<u@[203.0.113.7]>", OBS_SENDER_BAD, ""},
    {"<u@203.0.113.7>", OBS_SENDER_BAD, ""},
    {"<u>", OBS_SENDER_BAD, ""},
    {"", OBS_SENDER_BAD, ""},
    {"<u@>", OBS_SENDER_BAD, ""},
    {"<u@a..b>", OBS_SENDER_BAD, ""},
    {"<u@a\\.b>", OBS_SENDER_BAD, ""},
    {"<u@m\xc3\xbcller.example>", OBS_SENDER_BAD, ""},
    {"<u@example.com", OBS_SENDER_DOMAIN, "example.com"},
};

static void
address_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        struct dname domain;
        char text[DNAME_TEXT_SIZE] = "";
        size_t len;
        char *copy = exact_copy(addresses[i].text, &len);

        enum obs_sender sender = address_domain(copy, len, &domain);
        free(copy);
        if (domain.len > 0)
            dname_format(&domain, text);
        if (sender != addresses[i].sender || strcmp(text, addresses[i].domain) != 0)
            fail_msg("%s: %d %s", addresses[i].text, sender, text);
    }
}

#define TOP                                                                                        \
    "Received: from mx.example.org ([127.0.0.1]) by localhost (amavisd-new) with ESMTP; " DATE "\n"
#define BORDER                                                                                     \
    "Received: from spam.example (h.isp.example [203.0.113.7])\n\tby mx (Postfix) with ESMTP id "  \
    "1;\n " DATE "\n"
#define FORGED                                                                                     \
    "Received: from bank.example (bank.example [198.51.100.9]) by spam.example; " DATE "\n"
#define INNER "Received: from mx2 (mx2 [192.0.2.10]) by mx (Postfix) with ESMTP id 1; " DATE "\n"
#define RELAY "Received: from r (r [198.51.100.200]) by mx (Postfix) with ESMTPSA id 1; " DATE "\n"
#define USER  "Received: from pc (h [203.0.113.99]) by mx (Postfix) with ESMTPSA id 1; " DATE "\n"
#define DOVE  "Received: from mx by mx with LMTP id a (envelope-from <u@dove.example>); " DATE "\n"

struct block_case {
    const char *name, *block;
    enum err err;
    const char *ip; /* of the border */
    enum obs_sender sender;
    const char *domain, *from;
};

static const struct block_case blocks[] = {
    {"plain", "Return-Path: <u@a.example>\n" BORDER "From: X <x@b.example>\n\nbody", ERR_OK,
        "203.0.113.7", OBS_SENDER_DOMAIN, "a.example", "b.example"},
    {"below our own", TOP BORDER FORGED "\n", ERR_OK, "203.0.113.7", OBS_SENDER_UNKNOWN, "", ""},
    {"own network and trusted relay", INNER RELAY BORDER FORGED "\n", ERR_OK, "203.0.113.7",
        OBS_SENDER_UNKNOWN, "", ""},
    {"local hand-over with the sender", DOVE TOP BORDER "\n", ERR_OK, "203.0.113.7",
        OBS_SENDER_DOMAIN, "dove.example", ""},
    {"Return-Path wins over it", "Return-Path: <>\n" DOVE BORDER "\n", ERR_OK, "203.0.113.7",
        OBS_SENDER_NULL, "", ""},
    {"Return-Path that came with the mail", BORDER "Return-Path: <x@evil.example>\n\n", ERR_OK,
        "203.0.113.7", OBS_SENDER_UNKNOWN, "", ""},
    {"CRLF",
        "return-path : <u@a.example>\r\nReceived: from x (h [203.0.113.7])\r\n\tby y; " DATE
        "\r\nfrom: <x@b.example>\r\n\r\nFrom: <y@c.example>\r\n",
        ERR_OK, "203.0.113.7", OBS_SENDER_DOMAIN, "a.example", "b.example"},
    {"mbox line first", "From u Sun Nov 22 10:11:12 2026\n" BORDER "\n", ERR_OK, "203.0.113.7",
        OBS_SENDER_UNKNOWN, "", ""},
    {"an own user's mail", USER FORGED "\n", ERR_NOTFOUND, NULL, 0, NULL, NULL},
    {"webmail by an own user, then a stranger's line",
        TOP "Received: from u (h [192.0.2.11]) by mx with HTTP; " DATE "\n" FORGED "\n",
        ERR_NOTFOUND, NULL, 0, NULL, NULL},
    {"fetched", "Received: from p (p [203.0.113.8]) by pc with POP3; " DATE "\n" BORDER "\n",
        ERR_NOTFOUND, NULL, 0, NULL, NULL},
    {"fetched from an own server",
        "Received: from p [127.0.0.1] by pc with IMAP; " DATE "\n" BORDER "\n", ERR_OK,
        "203.0.113.7", OBS_SENDER_UNKNOWN, "", ""},
    {"unreadable line on top", "Received: from x by y with SMTP; " DATE "\n" FORGED "\n",
        ERR_SYNTAX, NULL, 0, NULL, NULL},
    {"border without a date", "Received: from x (h [203.0.113.7]) by y\n" FORGED "\n", ERR_SYNTAX,
        NULL, 0, NULL, NULL},
    {"made inside",
        "Received: by mx (Postfix, from userid 0) id 1; " DATE "\nFrom: root@a.example\n\n",
        ERR_NOTFOUND, NULL, 0, NULL, NULL},
    {"in the body only", "Subject: x\n\n" BORDER, ERR_NOTFOUND, NULL, 0, NULL, NULL},
    {"empty", "", ERR_NOTFOUND, NULL, 0, NULL, NULL},
    {"blank first line", "\n" BORDER, ERR_NOTFOUND, NULL, 0, NULL, NULL},
    {"starts with a fold", " x\n" BORDER "\n", ERR_OK, "203.0.113.7", OBS_SENDER_UNKNOWN, "", ""},
    {"no end of line", "Received: from x (h [203.0.113.7]) by y; " DATE, ERR_OK, "203.0.113.7",
        OBS_SENDER_UNKNOWN, "", ""},
};

static void
name_text(const struct dname *name, char out[DNAME_TEXT_SIZE])
{
    out[0] = '\0';
    if (name->len > 0)
        dname_format(name, out);
}

static void
block_table(void **state)
{
    struct prefix own = {ip_from_v4(0xc0000200), 24}, relay = {ip_from_v4(0xc63364c8), 32};
    struct conf conf = {.own_networks = &own,
        .own_network_count = 1,
        .trusted_relays = &relay,
        .trusted_relay_count = 1};

    (void)state;
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        const struct block_case *c = &blocks[i];
        struct received_mail mail;
        char ip[IP_TEXT_SIZE], domain[DNAME_TEXT_SIZE], from[DNAME_TEXT_SIZE];
        size_t len;
        char *block = exact_copy(c->block, &len);
        enum err err = received_border(block, len, &conf, &mail);

        free(block);
        if (err != c->err)
            fail_msg("%s: %s", c->name, err_text(err));
        if (err != ERR_OK)
            continue;
        ip_format(&mail.observation.client, ip);
        name_text(&mail.observation.sender_domain, domain);
        name_text(&mail.from_domain, from);
        if (strcmp(ip, c->ip) != 0 || strcmp(domain, c->domain) != 0 ||
            strcmp(from, c->from) != 0 || mail.observation.sender != c->sender)
            fail_msg("%s: %s %d %s %s", c->name, ip, mail.observation.sender, domain, from);
        assert_int_equal(mail.observation.when_s, WHEN);
        assert_int_equal(mail.observation.outcome, OBS_ACCEPTED);
        assert_int_equal(mail.observation.label, OBS_UNLABELLED);
    }
}

/* A line longer than is kept must not come out as a shorter one that can be read. */
static void
overlong(void **state)
{
    static char block[20000];
    struct conf conf = {0};
    struct received_mail mail;
    size_t n =
        (size_t)snprintf(block, sizeof block, "Received: from x (h [203.0.113.7]) by y; %s", DATE);

    (void)state;
    memset(block + n, ' ', 8000);
    memcpy(block + n + 8000, "\n\n", 2);
    assert_int_equal(received_border(block, n + 8002, &conf, &mail), ERR_SYNTAX);
    n = (size_t)snprintf(block, sizeof block, "References: ");
    memset(block + n, 'r', 8000);
    n += 8000;
    n += (size_t)snprintf(block + n, sizeof block - n, "\n%s\n", BORDER);
    assert_int_equal(received_border(block, n, &conf, &mail), ERR_OK);
}

/* Same mail, same value; and what a reader or the sender writes below does not change it. */
static void
trace_is_stable(void **state)
{
    static const char plain[] = TOP BORDER "\n",
                      changed[] = "Status: RO\n" TOP "X-UID: 7\n" BORDER FORGED "\n",
                      other[] = TOP INNER BORDER "\n";
    struct conf conf = {0};
    struct received_mail a, b, c;
    char id[SOURCE_ID_SIZE];

    (void)state;
    assert_int_equal(received_border(plain, sizeof plain - 1, &conf, &a), ERR_OK);
    assert_int_equal(received_border(changed, sizeof changed - 1, &conf, &b), ERR_OK);
    assert_int_equal(received_border(other, sizeof other - 1, &conf, &c), ERR_OK);
    assert_true(a.trace == b.trace);
    assert_true(a.trace != c.trace);
    source_id(fnv_add(FNV_START, "a", 1), id);
    assert_string_equal(id, "af63dc4c8601ec8c");
}

/* Every prefix of every case, each in its own allocation. */
static void
cut_anywhere(void **state)
{
    struct conf conf = {0};

    (void)state;
    for (size_t i = 0; i < sizeof hops / sizeof hops[0]; i++)
        for (size_t n = 0; n <= strlen(hops[i].value); n++) {
            char *value = malloc(n > 0 ? n : 1);
            struct received hop;
            struct received_mail mail;

            assert_non_null(value);
            memcpy(value, hops[i].value, n);
            (void)!received_parse(value, n, &hop);
            (void)!received_border(value, n, &conf, &mail);
            free(value);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hop_table),
        cmocka_unit_test(date_table),
        cmocka_unit_test(address_table),
        cmocka_unit_test(block_table),
        cmocka_unit_test(overlong),
        cmocka_unit_test(trace_is_stable),
        cmocka_unit_test(cut_anywhere),
    };

    return cmocka_run_group_tests_name("received", tests, NULL, NULL);
}
