/* Postfix's policy requests; see policy_request.h. */
#include "tools/policy_request.h"

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

/* As the logs' HELO names are kept, see observation.h. */
static void
take_helo(struct policy_request *out, struct slice value)
{
    const char *text = value.p;
    out->helo.len = (uint8_t)(value.n < HELO_MAX ? value.n : HELO_MAX);
    for (unsigned i = 0; i < out->helo.len; i++) {
        char c = text[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c + ('a' - 'A'));
        out->helo.text[i] = c > ' ' && c < 0x7f ? c : '?';
    }
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
    if (at > 0 && !out->sender_literal && dname_parse(domain, n, &out->sender_domain) == ERR_OK &&
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

static const struct {
    const char *name;
    void (*take)(struct policy_request *out, struct slice value);
} attributes[] = {{"request", take_request}, {"client_address", take_client},
    {"sasl_username", take_user}, {"helo_name", take_helo}, {"sender", take_sender},
    {"instance", take_instance}};

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
    *out = (struct policy_request){0};
    while (at < bytes.n) {
        const char *end = memchr(p + at, '\n', bytes.n - at);
        if (end == NULL)
            break;
        const struct slice line = slice_of(p + at, (size_t)(end - p) - at);
        at += line.n + 1;
        if (line.n == 0) {
            *used = at;
            return POLICY_PARSE_DONE;
        }
        if (!take_line(out, line))
            return POLICY_PARSE_BAD;
    }
    return bytes.n < POLICY_REQUEST_MAX ? POLICY_PARSE_MORE : POLICY_PARSE_BAD;
}
