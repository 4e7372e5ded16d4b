/* Messages of SPF policy services. See src_policyspf.h. */
#include "loader/src_policyspf.h"

#include <stdint.h>

#include "loader/src_received.h"

enum { SENDER_MAX = 320 }; /* RFC 5321 4.5.3.1: 64 + 1 + 255 */

bool
policyspf_result(struct text in, enum obs_spf *out)
{
    struct text word = text_before(in, " ;(,");

    for (unsigned i = OBS_SPF_UNSEEN + 1; i < OBS_SPF_COUNT; i++)
        if (text_equals(word, obs_spf_text((enum obs_spf)i))) {
            *out = (enum obs_spf)i;
            return true;
        }
    return false;
}

static bool
find(struct text in, const char *what, struct text *behind)
{
    size_t at = text_find(in, what);

    if (at == SIZE_MAX)
        return false;
    *behind = text_skip(in, at + strlen(what));
    return true;
}

/* The value of a key that must occur once. */
static bool
value_of(struct text in, const char *key, struct text *out)
{
    struct text behind;

    if (!text_once(in, key, &behind))
        return false;
    *out = text_before(behind, ";");
    return true;
}

static void
set_sender(struct text sender, struct postfix_event *out)
{
    if (sender.n >= 2 && *sender.p == '"' && sender.p[sender.n - 1] == '"')
        sender = (struct text){sender.p + 1, sender.n - 2};
    out->sender = envelope_domain(sender.p, sender.n, &out->sender_domain);
}

/* "identity=mailfrom; client-ip=..; helo=..; envelope-from=..; receiver=.." in any order. */
static bool
parse_fields(struct text in, struct postfix_event *out)
{
    struct text identity, client, sender, helo;

    if (find(in, "identity=", &identity) &&
        (text_starts(identity, "helo") || text_starts(identity, "pra")))
        return false;
    if (!value_of(in, "client-ip=", &client) || !value_of(in, "envelope-from=", &sender))
        return false;
    if (ip_parse(client.p, client.n, &out->client.ip) != ERR_OK)
        return false;
    out->client.has_ip = true;
    if (value_of(in, "helo=", &helo))
        out->helo = helo;
    set_sender(sender, out);
    return true;
}

static unsigned
hex_of(char c)
{
    if (text_is_digit(c))
        return (unsigned)(c - '0');
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

/* RFC 3986 2.1; returns the length, 0 for what does not fit. */
static size_t
percent_decode(struct text in, char out[SENDER_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < in.n; i++) {
        char c = in.p[i];

        if (n == SENDER_MAX)
            return 0;
        if (c == '%' && i + 2 < in.n && hex_of(in.p[i + 1]) < 16 && hex_of(in.p[i + 2]) < 16) {
            c = (char)(hex_of(in.p[i + 1]) << 4 | hex_of(in.p[i + 2]));
            i += 2;
        }
        out[n++] = c;
    }
    return n;
}

/* "550 5.7.23 Message rejected due to: SPF fail - not authorized. Please see
 * http://www.openspf.net/Why?s=mfrom;id=a@b.example;ip=192.0.2.1;r=mx" */
static bool
parse_rejection(struct text in, struct postfix_event *out)
{
    char decoded[SENDER_MAX];
    struct text why, client, id;

    if (!find(in, "Why?s=mfrom;", &why) || !value_of(why, "id=", &id) ||
        !value_of(why, "ip=", &client))
        return false;
    if (ip_parse(client.p, client.n, &out->client.ip) != ERR_OK)
        return false;
    out->client.has_ip = true;
    out->spf = OBS_SPF_FAIL;
    size_t n = percent_decode(id, decoded);
    out->sender = envelope_domain(decoded, n, &out->sender_domain);
    return true;
}

bool
policyspf_parse(struct text message, struct postfix_event *out)
{
    struct text in = text_trim(message), rest;

    out->kind = POSTFIX_SPF;
    while (in.n > 0 && (*in.p == ':' || *in.p == ' '))
        in = text_skip(in, 1);
    if (text_starts(in, "Policy action="))
        in = text_skip(in, strlen("Policy action="));
    if (text_starts(in, "5"))
        return parse_rejection(in, out);
    if (text_starts(in, "prepend "))
        in = text_trim(text_skip(in, strlen("prepend ")));
    if (text_starts(in, "Received-SPF: ")) {
        in = text_trim(text_skip(in, strlen("Received-SPF: ")));
        return policyspf_result(in, &out->spf) && parse_fields(in, out);
    }
    if (text_starts(in, "Authentication-Results: "))
        return find(in, "; spf=", &rest) && policyspf_result(rest, &out->spf) &&
               parse_fields(rest, out);
    return policyspf_result(in, &out->spf) && parse_fields(in, out);
}
