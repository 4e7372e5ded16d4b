/*
 * Ninety days of mail by actors with stated habits, made from a seed: what each sends on a day,
 * what was reported of it, and what DNS says of it. The habits stand for kinds of senders; they
 * came in together with the first weights, not before them; no weight is learnt from them.
 */
#ifndef TESTS_UNIT_MAIL_DAYS_H
#define TESTS_UNIT_MAIL_DAYS_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "loader/observation.h"

#define DAYS   90
#define DAY_S  86400
#define DAYS_0 (INT64_C(20000) * DAY_S)

/* xorshift64*: the same everywhere. */
static inline uint32_t
draw(uint64_t *seed, uint32_t below)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return (uint32_t)((*seed * UINT64_C(2685821657736338717)) >> 33) % below;
}

enum days_rdns { DAYS_NO_NAME, DAYS_NAMED, DAYS_DYNAMIC };

/* A phase of an actor: from the first day up to the last one, so many mails a day. */
struct phase {
    unsigned first, last, mails;
    unsigned spam_percent, ham_percent; /* of its mails: reported, kept */
};

struct actor {
    const char *name, *what;
    unsigned addresses; /* 10.N.x.y, N the actor's number + 1 */
    unsigned active;    /* days of each address, beginning one after the other; 0: all days */
    enum days_rdns rdns;
    const char *helo; /* # is the address's number, @ one of "helos" numbers */
    unsigned helos;
    const char *sender; /* the same with "senders" */
    unsigned senders;
    bool spf_fails;
    unsigned renamed; /* the day of new names; 0: never */
    struct phase phases[3];
};

static const struct actor actors[] = {
    {"bots", "rotating bots: dynamic lines, each for six days", 30, 6, DAYS_DYNAMIC, "pc@", 50,
        "hotmail.com", 1, false, 0, {{0, 89, 3, 50, 0}}},
    {"bare bots", "the same without reverse names, greeting with bare addresses", 30, 6,
        DAYS_NO_NAME, "198.18.0.@", 200, "s@.example", 100, false, 0, {{0, 89, 3, 30, 0}}},
    {"servers", "steady servers", 10, 0, DAYS_NAMED, "mail.s#.example", 1, "s#.example", 1, false,
        0, {{0, 89, 5, 0, 2}}},
    {"sloppy", "a hobby server: no reverse name, greets as localhost", 1, 0, DAYS_NO_NAME,
        "localhost.localdomain", 1, "hobby.example", 1, false, 0, {{0, 89, 2, 0, 0}}},
    {"nat", "a NAT with many honest HELO names", 1, 0, DAYS_NAMED, "laptop.c@.example", 12,
        "c@.example", 12, false, 0, {{0, 89, 8, 0, 0}}},
    {"renamed", "a server that gets other names", 1, 0, DAYS_NAMED, "mail.s#.example", 1,
        "s#.example", 1, false, 45, {{0, 89, 5, 0, 0}}},
    {"warm-up", "a spammer who warms up for 30 days, spams for 30 and falls silent", 1, 0,
        DAYS_NAMED, "mail.s#.example", 1, "s#.example", 1, false, 0,
        {{0, 29, 10, 0, 0}, {30, 59, 20, 40, 0}}},
    {"hacked", "a hacked account on a good server, for six days", 1, 0, DAYS_NAMED,
        "mail.s#.example", 1, "s#.example", 1, false, 0,
        {{0, 39, 10, 0, 10}, {40, 45, 200, 5, 1}, {46, 89, 10, 0, 10}}},
    {"forwarder", "200 domains, all SPF fail, mixed mail", 1, 0, DAYS_NAMED, "mail.s#.example", 1,
        "f@.example", 200, true, 0, {{0, 89, 20, 3, 2}}},
    {"newcomer", "a good server that begins on day 60", 1, 0, DAYS_NAMED, "mail.s#.example", 1,
        "s#.example", 1, false, 0, {{60, 89, 2, 0, 0}}},
};
enum { ACTORS = sizeof actors / sizeof *actors, ADDRESSES_MAX = 30 };

static inline struct ip
days_ip(unsigned actor, unsigned address)
{
    /* Far apart, so that nobody is a neighbour. */
    return ip_from_v4(UINT32_C(10) << 24 | (actor + 1) << 16 | address << 8 | 7);
}

/* "mail.s#.example": # becomes the address, @ a drawn number; after the day of renaming, "new-". */
static inline void
days_text(const struct actor *actor, const char *form, unsigned actor_number, unsigned address,
    unsigned drawn, bool renamed, char out[128])
{
    size_t n = 0;
    (void)actor;
    if (renamed)
        n = (size_t)snprintf(out, 128, "new-");
    for (; *form != '\0'; form++)
        if (*form == '#')
            n += (size_t)snprintf(out + n, 128 - n, "%u-%u", actor_number, address);
        else if (*form == '@')
            n += (size_t)snprintf(out + n, 128 - n, "%u", drawn);
        else
            out[n++] = *form;
    out[n] = '\0';
}

static inline bool
days_is_active(const struct actor *actor, unsigned address, unsigned day)
{
    unsigned first = address * 3; /* of addresses that come and go */
    return actor->active == 0 || (day >= first && day < first + actor->active);
}

typedef void (*days_fn)(void *ctx, const struct observation *seen);

/* The mails of one address on one day, in order of time. */
static inline void
days_mails(unsigned number, unsigned address, unsigned day, uint64_t seed, days_fn each, void *ctx)
{
    const struct actor *actor = &actors[number];
    seed ^= (UINT64_C(0x9e3779b97f4a7c15) * (number * 10007 + address * 101 + day + 1)) | 1;
    for (unsigned i = 0; i < 3; i++) {
        const struct phase *phase = &actor->phases[i];
        bool is_now = day >= phase->first && day <= phase->last && phase->mails > 0;
        if (!is_now || !days_is_active(actor, address, day))
            continue;
        for (unsigned m = 0; m < phase->mails; m++) {
            struct observation seen = {.when_s = DAYS_0 + (int64_t)day * DAY_S + m * 60,
                .client = days_ip(number, address),
                .sender = OBS_SENDER_DOMAIN};
            char text[128];
            bool renamed = actor->renamed > 0 && day >= actor->renamed;
            days_text(
                actor, actor->helo, number, address, draw(&seed, actor->helos), renamed, text);
            helo_set(&seen.helo, text, strlen(text));
            days_text(
                actor, actor->sender, number, address, draw(&seed, actor->senders), false, text);
            if (dname_parse(text, strlen(text), &seen.sender_domain) < 0)
                continue;
            uint32_t dice = draw(&seed, 100);
            if (dice < phase->spam_percent)
                seen.label = OBS_SPAM;
            else if (dice < phase->spam_percent + phase->ham_percent)
                seen.label = OBS_HAM;
            each(ctx, &seen);
        }
    }
}

#endif
