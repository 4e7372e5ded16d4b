/*
 * HELO texts by their form alone. Whether a name resolves, or is somebody else's, is not asked
 * here.
 */
#include "loader/helo.h"

#include <string.h>

/*
 * Names for use inside a site. Meant is what the sender's administrator wrote, not what public DNS
 * has, so this is longer than publicname.c's table: a mail server that says "mx.corp" or
 * "localhost.localdomain" is misconfigured, not forging.
 */
static const char *const inside[] = {
    "localhost", "localdomain",             /* RFC 6761 6.3, and what installers make of it */
    "local",                                /* RFC 6762 3 */
    "home.arpa",                            /* RFC 8375 */
    "internal",                             /* kept for private use by ICANN */
    "intranet", "private", "corp",          /* RFC 6762 appendix G: seen in use inside */
    "home", "lan", "localnet", "workgroup", /* the same, and defaults of home routers, Windows */
};

void
helo_set(struct helo *helo, const char *text, size_t len)
{
    size_t n = len < HELO_MAX ? len : HELO_MAX;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >= 'A' && c <= 'Z')
            c = (unsigned char)(c + ('a' - 'A'));
        helo->text[i] = c >= 32 && c < 127 ? (char)c : '?';
    }
    memset(helo->text + n, 0, HELO_MAX - n);
    helo->len = (uint8_t)n;
}

bool
helo_is_inside(const struct dname *name)
{
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
        struct dname suffix;

        if (dname_parse(inside[i], strlen(inside[i]), &suffix) == ERR_OK &&
            dname_under(name, &suffix))
            return true;
    }
    return false;
}

/* RFC 5321 4.1.3: "[192.0.2.1]" or "[IPv6:2001:db8::1]". An IPv6 address without its tag is a
 * common slip that still says which address is meant, so it is taken. Other tags ("[x:y]") are
 * allowed by the grammar, but none was ever registered. */
static bool
parse_literal(const char *text, size_t len, struct ip *out)
{
    static const char tag[] = "ipv6:";
    size_t tag_len = sizeof tag - 1;

    if (len < 2 || text[0] != '[' || text[len - 1] != ']')
        return false;
    text++;
    len -= 2;
    if (len > tag_len && memcmp(text, tag, tag_len) == 0) {
        text += tag_len;
        len -= tag_len;
        if (memchr(text, ':', len) == NULL) /* "[IPv6:192.0.2.1]" */
            return false;
    }
    return ip_parse(text, len, out) == ERR_OK;
}

/* A host name; one dot at its end is let pass, as MTAs do. The escapes of master files mean nothing
 * in SMTP. A numeric last label is no name (RFC 3696 2), whatever number of parts it has. */
static bool
parse_host(const char *text, size_t len, struct dname *out)
{
    return memchr(text, '\\', len) == NULL && dname_parse(text, len, out) == ERR_OK &&
           dname_is_hostname(out) && !dname_last_label_numeric(out);
}

/* Why the text is no host name. */
static enum helo_fault
fault_of(const char *text, size_t len)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-._";
    size_t label = 0;
    struct dname name;

    if (len > DNAME_MAX - 2 + (text[len - 1] == '.'))
        return HELO_FAULT_LENGTH;
    for (size_t i = 0; i < len; i++) {
        label = text[i] == '.' ? 0 : label + 1;
        if (strchr(allowed, text[i]) == NULL)
            return HELO_FAULT_CHARACTERS;
        if (label > 63)
            return HELO_FAULT_LENGTH;
    }
    if (dname_parse(text, len, &name) == ERR_OK && dname_is_hostname(&name))
        return HELO_FAULT_NUMERIC;
    return HELO_FAULT_LABELS;
}

void
helo_classify(const struct helo *helo, struct helo_form *out)
{
    *out = (struct helo_form){.kind = HELO_KIND_INVALID, .name = {.len = 1}};
    if (helo->len == 0) {
        out->kind = HELO_KIND_ABSENT;
        out->fault = HELO_FAULT_ABSENT;
    } else if (helo->text[0] == '[') {
        if (parse_literal(helo->text, helo->len, &out->ip))
            out->kind = HELO_KIND_LITERAL;
        else
            out->fault = HELO_FAULT_LITERAL;
    } else if (ip_parse(helo->text, helo->len, &out->ip) == ERR_OK) {
        out->kind = HELO_KIND_BARE_IP;
        out->fault = HELO_FAULT_BARE;
    } else if (parse_host(helo->text, helo->len, &out->name)) {
        bool single = dname_labels(&out->name) == 1;
        out->kind = single ? HELO_KIND_SINGLE : HELO_KIND_NAME;
        if (single)
            out->fault = HELO_FAULT_SINGLE;
        else if (memchr(helo->text, '_', helo->len) != NULL)
            out->fault = HELO_FAULT_UNDERSCORE;
        out->local = helo_is_inside(&out->name);
    } else {
        out->name = (struct dname){.len = 1};
        out->fault = fault_of(helo->text, helo->len);
    }
}

const char *
helo_fault_text(enum helo_fault fault)
{
    static const char *const texts[] = {
        [HELO_FAULT_NONE] = "nothing wrong",
        [HELO_FAULT_ABSENT] = "no HELO",
        [HELO_FAULT_LENGTH] = "too long",
        [HELO_FAULT_CHARACTERS] = "invalid characters",
        [HELO_FAULT_UNDERSCORE] = "an underscore",
        [HELO_FAULT_NUMERIC] = "a number as top level",
        [HELO_FAULT_LABELS] = "an empty or broken label",
        [HELO_FAULT_LITERAL] = "brackets without an address",
        [HELO_FAULT_BARE] = "an address without brackets",
        [HELO_FAULT_SINGLE] = "a single label",
    };
    _Static_assert(sizeof texts / sizeof *texts == HELO_FAULT_COUNT, "a text for each");

    return texts[fault];
}

const char *
helo_kind_text(enum helo_kind kind)
{
    switch (kind) {
    case HELO_KIND_ABSENT:
        return "absent";
    case HELO_KIND_NAME:
        return "name";
    case HELO_KIND_SINGLE:
        return "single label";
    case HELO_KIND_LITERAL:
        return "address literal";
    case HELO_KIND_BARE_IP:
        return "bare address";
    case HELO_KIND_INVALID:
        return "invalid";
    }
    return "invalid";
}
