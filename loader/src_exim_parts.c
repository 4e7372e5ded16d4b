/* The parts of Exim's messages. See src_exim_parts.h. */
#include "loader/src_exim_parts.h"

#include "loader/src_policyspf.h"
#include "loader/src_received.h"

/* Places that may be the client, before a line is given up. */
enum { READINGS_MAX = 8 };

/* -- fields: " KEY=value" -- */

bool
exim_take_value(struct text *in, struct text *out)
{
    bool quoted = false;
    size_t n = 0;

    for (; n < in->n && (quoted || in->p[n] != ' '); n++) {
        if (in->p[n] == '\\' && n + 1 < in->n)
            n++;
        else if (in->p[n] == '"')
            quoted = !quoted;
    }
    *out = text_until(*in, n);
    *in = text_skip(*in, n);
    return !quoted;
}

static bool
is_flag(struct text key)
{
    static const char *const flags[] = {"TFO", "L", "K", "PRDR", "DS", "ARC", "SPF"};

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (text_begins(key, flags[i]) && key.n == strlen(flags[i]))
            return true;
    return false;
}

static void
keep_field(struct exim_fields *fields, struct text key, struct text value)
{
    static const char *const names[EXIM_FIELD_COUNT] = {[EXIM_FIELD_SENDER] = "F",
        [EXIM_FIELD_AUTH] = "A",
        [EXIM_FIELD_PROTOCOL] = "P",
        [EXIM_FIELD_SPF] = "SPF",
        [EXIM_FIELD_INTERFACE] = "I"};

    for (unsigned i = 0; i < EXIM_FIELD_COUNT; i++)
        if (text_begins(key, names[i]) && key.n == strlen(names[i])) {
            fields->twice |= fields->value[i].n > 0;
            fields->value[i] = value;
        }
}

void
exim_take_fields(struct text *in, struct exim_fields *out)
{
    *out = (struct exim_fields){0};
    for (unsigned i = 0; i < EXIM_FIELD_COUNT; i++)
        out->value[i] = text_until(*in, 0);
    while (in->n > 1 && *in->p == ' ') {
        struct text rest = text_skip(*in, 1), key, value;

        key = text_before(rest, "= *.-");
        if (key.n == 0 || key.n > 8)
            return;
        rest = text_skip(rest, key.n);
        if (text_char(&rest, '=')) {
            if (!exim_take_value(&rest, &value))
                return;
            keep_field(out, key, value);
        } else if (is_flag(key)) {
            /* "L.", "L-", "TFO*" */
            while (rest.n > 0 && *rest.p != ' ' && !text_is_digit(*rest.p))
                rest = text_skip(rest, 1);
        } else {
            return;
        }
        *in = rest;
    }
}

/* -- the client: "name (HELO) [address]:port" -- */

static bool
take_address(struct text *in, struct log_client *out)
{
    struct text rest = *in, address;
    unsigned port;

    if (!text_char(&rest, '['))
        return false;
    address = text_before(rest, "]");
    rest = text_skip(rest, address.n);
    if (!text_char(&rest, ']') || ip_parse(address.p, address.n, &out->ip) != ERR_OK)
        return false;
    if (rest.n > 1 && *rest.p == ':' && text_is_digit(rest.p[1])) {
        rest = text_skip(rest, 1);
        if (!text_number(&rest, 1, 5, &port) || port > UINT16_MAX)
            return false;
        out->port = (uint16_t)port;
    }
    if (rest.n > 0 && *rest.p != ' ' && *rest.p != ':' && *rest.p != ')')
        return false;
    out->has_ip = true;
    *in = rest;
    return true;
}

/* in: behind the '('. A HELO that holds what looks like its own end is told apart by what follows,
 * and where that fits twice not at all. */
static bool
take_greeted(struct text in, exim_follows_fn follows, struct exim_host *out)
{
    struct exim_host first = *out, fitting = *out;
    unsigned readings = 0, fits = 0;
    size_t at = 0, step;

    while ((step = text_find(text_skip(in, at), ") [")) != SIZE_MAX) {
        struct exim_host reading = *out;

        at += step + 1;
        reading.helo = text_until(in, at - 1);
        reading.rest = text_skip(in, at + 1);
        if (!take_address(&reading.rest, &reading.client) ||
            (reading.rest.n > 1 && *reading.rest.p == ')'))
            continue;
        if (readings++ == 0)
            first = reading;
        if (follows != NULL && follows(reading.rest)) {
            fitting = reading;
            fits++;
        }
        if (readings == READINGS_MAX || fits > 1)
            return false;
    }
    *out = readings == 1 ? first : fitting;
    return readings == 1 || fits == 1;
}

bool
exim_take_host(struct text in, exim_follows_fn follows, struct exim_host *out)
{
    *out = (struct exim_host){.client = {.name = text_until(in, 0)},
        .helo = text_until(in, 0),
        .rest = text_until(in, 0)};
    if (in.n > 0 && *in.p != '[' && *in.p != '(') {
        /* Exim takes a name from DNS only where it has the form of one. */
        struct text name = text_before(in, " ()[]<>\"'=,;");

        in = text_skip(in, name.n);
        if (name.n == 0 || !text_char(&in, ' '))
            return false;
        out->client.name = name;
        out->client.ptr = OBS_PTR_VERIFIED;
    }
    if (text_char(&in, '('))
        return take_greeted(in, follows, out);
    out->helo_is_name = out->client.name.n > 0;
    out->rest = in;
    return take_address(&out->rest, &out->client);
}

bool
exim_find_host(struct text in, struct exim_host *out)
{
    unsigned readings = 0;
    size_t step;

    while ((step = text_find(in, " H=")) != SIZE_MAX && readings < READINGS_MAX) {
        struct exim_host host;

        in = text_skip(in, step + strlen(" H="));
        if (!exim_take_host(in, NULL, &host))
            continue;
        if (readings++ == 0) {
            *out = host;
        } else if (ip_cmp(&host.client.ip, &out->client.ip) == 0) {
            out->helo = out->client.name = text_until(in, 0);
            out->client.ptr = OBS_PTR_UNSEEN;
            out->helo_is_name = false;
        } else {
            return false;
        }
    }
    return readings > 0 && readings < READINGS_MAX;
}

void
exim_set_host(const struct exim_host *host, bool greeted, struct log_event *out)
{
    out->client = host->client;
    out->helo = host->helo_is_name && greeted ? host->client.name : host->helo;
}

void
exim_set_sender(struct text sender, struct log_event *out)
{
    out->sender = envelope_domain(sender.p, sender.n, &out->sender_domain);
}

/* RFC 3848: "esmtpa", "esmtpsa"; "asmtp" of old versions. */
static bool
is_authenticated(const struct exim_fields *fields)
{
    struct text protocol = fields->value[EXIM_FIELD_PROTOCOL];

    return !fields->twice &&
           (fields->value[EXIM_FIELD_AUTH].n > 0 || text_starts(protocol, "asmtp") ||
               text_ends(protocol, "smtpa") || text_ends(protocol, "smtpsa"));
}

void
exim_set_fields(const struct exim_fields *fields, struct log_event *out)
{
    struct text interface = fields->value[EXIM_FIELD_INTERFACE];

    out->authenticated = is_authenticated(fields);
    out->submission =
        !fields->twice && (text_ends(interface, "]:587") || text_ends(interface, "]:465"));
    if (fields->twice || !policyspf_result(fields->value[EXIM_FIELD_SPF], &out->spf))
        out->spf = OBS_SPF_UNSEEN;
}
