/*
 * A mail's header block: from its Received lines to one observation. See src_received.h.
 */
#include "loader/src_header.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

void
source_id(uint64_t hash, char out[SOURCE_ID_SIZE])
{
    (void)snprintf(out, SOURCE_ID_SIZE, "%016llx", (unsigned long long)hash);
}

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Length of the line at p without its end; *whole with it. */
static size_t
line_at(const char *p, size_t n, size_t *whole)
{
    const char *end = n > 0 ? memchr(p, '\n', n) : NULL;
    size_t len = end == NULL ? n : (size_t)(end - p);

    *whole = end == NULL ? n : len + 1;
    return len > 0 && p[len - 1] == '\r' ? len - 1 : len;
}

static void
header_add(struct mail_header *header, const char *text, size_t n)
{
    size_t room = sizeof header->value - header->len;

    header->cut = header->cut || n > room;
    n = n < room ? n : room;
    memcpy(header->value + header->len, text, n);
    header->len += n;
}

bool
mail_header_next(const char **p, size_t *n, struct mail_header *header)
{
    size_t whole, len = line_at(*p, *n, &whole);
    const char *colon = len > 0 ? memchr(*p, ':', len) : NULL;

    if (len == 0)
        return false;
    header->name = *p;
    header->name_len = colon == NULL ? 0 : (size_t)(colon - *p);
    header->len = 0;
    header->cut = false;
    /* RFC 5322 4.5: obsolete blanks before the colon. */
    while (header->name_len > 0 && is_space(header->name[header->name_len - 1]))
        header->name_len--;
    if (colon != NULL)
        header_add(header, colon + 1, len - (size_t)(colon + 1 - *p));
    for (;;) {
        *p += whole;
        *n -= whole;
        if (*n == 0 || (**p != ' ' && **p != '\t'))
            return true;
        len = line_at(*p, *n, &whole);
        header_add(header, *p, len);
    }
}

bool
mail_header_is(const struct mail_header *header, const char *name)
{
    return header->name_len == strlen(name) &&
           strncasecmp(header->name, name, header->name_len) == 0;
}

/* From a '"' to the one that ends the quoted string (RFC 5322 3.2.4). One that is never closed is a
 * byte like others. */
static size_t
skip_quoted(const char *text, size_t len, size_t at)
{
    for (size_t i = at + 1; text[at] == '"' && i < len; i++) {
        if (text[i] == '"')
            return i;
        i += text[i] == '\\';
    }
    return at;
}

/* The last c outside of quoted strings, or the first; len: none. */
static size_t
find_unquoted(const char *text, size_t len, char c, bool last)
{
    size_t found = len;

    for (size_t i = 0; i < len && (last || found == len); i++) {
        i = skip_quoted(text, len, i);
        if (text[i] == c)
            found = i;
    }
    return found;
}

enum obs_sender
address_domain(const char *text, size_t len, struct dname *out)
{
    const char *at = NULL;
    size_t n = find_unquoted(text, len, '<', true);
    bool open = n < len;

    *out = (struct dname){.len = 0};
    /* A display name may hold anything: the last '<' begins the address. */
    if (open) {
        text += n + 1;
        len -= n + 1;
        len = find_unquoted(text, len, '>', false);
    }
    while (len > 0 && is_space(text[0])) {
        text++;
        len--;
    }
    if (len == 0)
        return open ? OBS_SENDER_NULL : OBS_SENDER_BAD;
    /* A quoted local part may hold '@' (RFC 5321 4.1.2), a domain cannot. */
    for (size_t i = 0; i < len; i++)
        if (text[i] == '@')
            at = text + i + 1;
    if (at == NULL)
        return OBS_SENDER_BAD;
    n = 0;
    while (at + n < text + len && !is_space(at[n]) && at[n] != '(' && at[n] != ',')
        n++;
    if (memchr(at, '\\', n) != NULL || dname_parse(at, n, out) != ERR_OK ||
        !dname_is_hostname(out) || dname_last_label_numeric(out)) {
        *out = (struct dname){.len = 0};
        return OBS_SENDER_BAD;
    }
    return OBS_SENDER_DOMAIN;
}

enum obs_sender
envelope_domain(const char *text, size_t len, struct dname *out)
{
    bool bracketed = len > 1 && text[0] == '<' && text[len - 1] == '>';
    const char *at;

    *out = (struct dname){.len = 0};
    if (bracketed) {
        text++;
        len -= 2;
    }
    if (len == 0)
        return bracketed ? OBS_SENDER_NULL : OBS_SENDER_BAD;
    at = memrchr(text, '@', len);
    return at == NULL ? OBS_SENDER_BAD : address_domain(at, len - (size_t)(at - text), out);
}

/* ERR_OK: this is the border. ERR_BUSY: one of our own, look further down. */
static enum err
judge_hop(const struct received *hop, const struct conf *conf)
{
    if (hop->local ||
        prefixes_contain(conf->trusted_relays, conf->trusted_relay_count, &hop->client))
        return ERR_BUSY;
    /* What stands below was written by the user's program, not by a host of ours. */
    if (hop->authenticated)
        return ERR_NOTFOUND;
    if (ip_is_special(&hop->client) ||
        prefixes_contain(conf->own_networks, conf->own_network_count, &hop->client))
        return ERR_BUSY;
    /* From another site's server: the border was there, and it is not ours to judge by. */
    if (hop->fetched)
        return ERR_NOTFOUND;
    return hop->has_time ? ERR_OK : ERR_SYNTAX;
}

static void
set_sender(struct observation *out, enum obs_sender sender, const struct dname *domain)
{
    out->sender = sender;
    out->sender_domain = *domain;
}

/* One Received line above the border or the border itself. */
static enum err
on_received(const struct mail_header *header, const struct conf *conf, bool has_return_path,
    struct received_mail *out)
{
    struct received hop;
    enum err err;

    if (header->cut)
        return ERR_SYNTAX;
    err = received_parse(header->value, header->len, &hop);
    if (err != ERR_OK)
        return err;
    err = judge_hop(&hop, conf);
    if (err != ERR_OK && err != ERR_BUSY)
        return err;
    out->trace = fnv_add(out->trace, header->value, header->len);
    /* The nearer to the border, the less a forwarder of ours has rewritten it. */
    if (!has_return_path && hop.sender != OBS_SENDER_UNKNOWN)
        set_sender(&out->observation, hop.sender, &hop.sender_domain);
    if (err == ERR_OK) {
        out->observation.client = hop.client;
        out->observation.helo = hop.helo;
        out->observation.when_s = hop.when_s;
        out->observation.ptr_seen = hop.ptr_seen;
        if (hop.ptr_seen == OBS_PTR_VERIFIED || hop.ptr_seen == OBS_PTR_UNVERIFIED)
            out->observation.ptr = hop.ptr;
    }
    return err;
}

enum err
received_border(const char *block, size_t len, const struct conf *conf, struct received_mail *out)
{
    struct mail_header header;
    bool border = false, has_return_path = false;

    *out = (struct received_mail){.trace = FNV_START};
    out->observation.sender = OBS_SENDER_UNKNOWN;
    out->observation.outcome = OBS_ACCEPTED;
    out->observation.label = OBS_UNLABELLED;
    while (mail_header_next(&block, &len, &header)) {
        struct dname domain;

        if (!border && mail_header_is(&header, "Received")) {
            enum err err = on_received(&header, conf, has_return_path, out);

            if (err != ERR_OK && err != ERR_BUSY)
                return err;
            border = err == ERR_OK;
        } else if (!border && !has_return_path && mail_header_is(&header, "Return-Path")) {
            /* RFC 5321 4.4: written at final delivery. One further down came with the mail. */
            has_return_path = true;
            enum obs_sender sender = address_domain(header.value, header.len, &domain);
            set_sender(&out->observation, sender, &domain);
        } else if (out->from_domain.len == 0 && !header.cut && mail_header_is(&header, "From")) {
            (void)address_domain(header.value, header.len, &out->from_domain);
        }
    }
    return border ? ERR_OK : ERR_NOTFOUND;
}
