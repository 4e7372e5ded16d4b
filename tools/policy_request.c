/* Postfix's policy requests; see policy_request.h. */
#include "tools/policy_request.h"

#include <idn2.h>

static bool
is(struct slice text, const char *word)
{
    return text.n == strlen(word) && memcmp(text.p, word, text.n) == 0;
}

static void
take_request(struct policy_request *out, struct slice value)
{
    out->is_access = is(value, "smtpd_access_policy");
}

static void
take_client(struct policy_request *out, struct slice value)
{
    out->has_client = ip_parse(value.p, value.n, &out->client) == ERR_OK;
}

static void
take_user(struct policy_request *out, struct slice value)
{
    out->authenticated = value.n > 0;
}

static void
take_helo(struct policy_request *out, struct slice value)
{
    helo_set(&out->helo, value.p, value.n);
}

/* A name in letters of all the world (RFC 6531 3.3) is asked for as DNS has it (RFC 5891 5). */
static bool
take_domain(const char *text, size_t n, struct dname *out)
{
    char utf8[DNAME_MAX + 1], *ascii = NULL;
    bool plain = true;
    for (size_t i = 0; i < n; i++)
        plain = plain && (unsigned char)text[i] < 0x80;
    if (plain)
        return dname_parse(text, n, out) == ERR_OK;
    if (n >= sizeof utf8)
        return false;
    memcpy(utf8, text, n);
    utf8[n] = '\0';
    bool good = idn2_to_ascii_8z(utf8, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK &&
                dname_parse(ascii, strlen(ascii), out) == ERR_OK;
    idn2_free(ascii);
    return good;
}

/* What is behind the last @ (RFC 5321 4.1.2: no domain has one). */
static void
take_sender(struct policy_request *out, struct slice value)
{
    const char *text = value.p;
    size_t at = value.n;
    if (value.n == 0) {
        out->sender = OBS_SENDER_NULL;
        return;
    }
    while (at > 0 && text[at - 1] != '@')
        at--;
    const char *domain = text + at;
    size_t n = value.n - at;
    out->sender = OBS_SENDER_BAD;
    out->sender_literal = at > 0 && n > 0 && domain[0] == '[';
    if (at > 0 && !out->sender_literal && take_domain(domain, n, &out->sender_domain) &&
        dname_labels(&out->sender_domain) > 1)
        out->sender = OBS_SENDER_DOMAIN;
}

static void
take_instance(struct policy_request *out, struct slice value)
{
    size_t n = value.n < POLICY_INSTANCE_MAX ? value.n : 0;
    memcpy(out->instance, value.p, n);
    out->instance[n] = '\0';
}

/* What is known at a command: smtpd_delay_reject=no asks at each as it comes. At MAIL a message has
 * no instance yet, and its header would come again with the first recipient. */
static void
take_state(struct policy_request *out, struct slice value)
{
    static const struct {
        const char *name;
        bool helo, sender, header;
    } states[] = {{"CONNECT", false, false, false}, {"HELO", true, false, false},
        {"EHLO", true, false, false}, {"VRFY", true, false, false}, {"ETRN", true, false, false},
        {"MAIL", true, true, false}, {"END-OF-MESSAGE", true, true, false}};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (is(value, states[i].name)) {
            out->knows_helo = states[i].helo;
            out->knows_sender = states[i].sender;
            out->takes_header = states[i].header;
        }
}

static const struct {
    const char *name;
    void (*take)(struct policy_request *out, struct slice value);
} attributes[] = {{"request", take_request}, {"protocol_state", take_state},
    {"client_address", take_client}, {"sasl_username", take_user}, {"helo_name", take_helo},
    {"sender", take_sender}, {"instance", take_instance}};

static bool
take_line(struct policy_request *out, struct slice line)
{
    const char *text = line.p;
    const char *equals = memchr(text, '=', line.n);
    if (equals == NULL)
        return false;
    const struct slice name = slice_of(text, (size_t)(equals - text));
    const struct slice value = slice_of(equals + 1, line.n - name.n - 1);
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
        if (is(name, attributes[i].name))
            attributes[i].take(out, value);
    return true;
}

enum policy_parse
policy_request_parse(struct slice bytes, struct policy_request *out, size_t *used)
{
    const char *p = bytes.p;
    size_t at = 0;
    /* However much has come at once. */
    if (bytes.n > POLICY_REQUEST_MAX)
        bytes.n = POLICY_REQUEST_MAX;
    *out = (struct policy_request){.knows_helo = true, .knows_sender = true, .takes_header = true};
    while (at < bytes.n) {
        const char *end = memchr(p + at, '\n', bytes.n - at);
        if (end == NULL)
            break;
        const struct slice line = slice_of(p + at, (size_t)(end - p) - at);
        at += line.n + 1;
        if (line.n == 0) {
            if (!out->knows_sender) {
                out->sender = OBS_SENDER_UNKNOWN;
                out->sender_literal = false;
            }
            *used = at;
            return POLICY_PARSE_DONE;
        }
        if (!take_line(out, line))
            return POLICY_PARSE_BAD;
    }
    return bytes.n < POLICY_REQUEST_MAX ? POLICY_PARSE_MORE : POLICY_PARSE_BAD;
}
