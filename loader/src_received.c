/*
 * One Received header. See src_received.h.
 *
 * "from TOKEN (comment) ... by HOST ... with PROTOCOL ...; date". What stranger-chosen text may
 * contain decides what can be believed: Postfix and qmail replace every special character of a HELO
 * name, Exim and Sendmail refuse such names unless told otherwise. So the first comment's shape
 * tells the writer, and a shape that could be read in two ways is refused.
 */
#include "loader/src_received.h"

#include <string.h>

#include "loader/src_text.h"

/* -- tokens -- */

enum token { TOKEN_END, TOKEN_WORD, TOKEN_COMMENT, TOKEN_BAD };

/* A word, or a comment without its parentheses (RFC 5322 3.2.2: they nest, '\' quotes). */
static enum token
next_token(struct text *in, struct text *out)
{
    size_t n = 0;
    unsigned depth = 0;

    *in = text_trim(*in);
    if (in->n == 0)
        return TOKEN_END;
    if (*in->p != '(') {
        while (n < in->n && !text_is_space(in->p[n]) && in->p[n] != '(')
            n++;
        *out = (struct text){in->p, n};
        *in = text_skip(*in, n);
        return TOKEN_WORD;
    }
    for (; n < in->n; n++) {
        if (in->p[n] == '\\')
            n++;
        else if (in->p[n] == '(')
            depth++;
        else if (in->p[n] == ')' && --depth == 0)
            break;
    }
    if (n >= in->n)
        return TOKEN_BAD;
    *out = (struct text){in->p + 1, n - 1};
    *in = text_skip(*in, n + 1);
    return TOKEN_COMMENT;
}

/* The from clause as it stands, and what of the by clause matters. */
struct parts {
    bool has_from;
    struct text token;
    struct text bare; /* "from TOKEN [address] by": a word in brackets, no comment */
    struct text comments[4];
    unsigned comment_count;
    bool authenticated; /* by a comment other than the one with the address */
    struct text protocol;
    bool exim;
};

/* "(Authenticated sender: x)" of Postfix, "(authenticated bits=0)" of Sendmail. They follow the
 * comment with the address, whose text a client's reverse zone may choose. */
static void
add_comment(struct parts *parts, struct text comment)
{
    if (parts->comment_count > 0 && text_starts(comment, "authenticated"))
        parts->authenticated = true;
    if (parts->comment_count < sizeof parts->comments / sizeof parts->comments[0])
        parts->comments[parts->comment_count++] = comment;
}

/* Leaves *in behind the word "by". */
static enum err
split_from(struct text *in, struct parts *parts)
{
    struct text word;
    enum token token = next_token(in, &word);

    /* "(qmail 7 invoked from network)", "(from user@localhost) by"; Sendmail writes the latter with
     * an address for a client that gave no HELO. */
    for (; token == TOKEN_COMMENT; token = next_token(in, &word))
        if (text_starts(word, "from ") && memchr(word.p, '[', word.n) != NULL)
            return ERR_SYNTAX;
    if (token == TOKEN_END || (token == TOKEN_WORD && text_equals(word, "by")))
        return ERR_OK;
    if (token != TOKEN_WORD || !text_equals(word, "from"))
        return ERR_SYNTAX;
    parts->has_from = true;
    /* A comment in place of the HELO may be a HELO that looks like a comment. */
    if (next_token(in, &parts->token) != TOKEN_WORD)
        return ERR_SYNTAX;
    while ((token = next_token(in, &word)) == TOKEN_COMMENT)
        add_comment(parts, word);
    if (token == TOKEN_WORD && parts->comment_count == 0 && *word.p == '[') {
        parts->bare = word;
        token = next_token(in, &word);
    }
    return token == TOKEN_WORD && text_equals(word, "by") ? ERR_OK : ERR_SYNTAX;
}

/* Up to the recipient, as nothing behind it is needed; nor is a marker believed behind an address
 * that a client chose. */
static void
split_by(struct text in, struct parts *parts, struct received *out)
{
    static const char envelope[] = "envelope-from";
    struct text word;
    enum token token;

    while ((token = next_token(&in, &word)) == TOKEN_WORD || token == TOKEN_COMMENT) {
        if (token == TOKEN_WORD && text_equals(word, "for"))
            break;
        if (token == TOKEN_WORD && text_equals(word, "with") && parts->protocol.n == 0) {
            if (next_token(&in, &parts->protocol) != TOKEN_WORD)
                break;
        } else if (token == TOKEN_COMMENT && text_starts(word, "Exim")) {
            parts->exim = true;
        } else if (token == TOKEN_COMMENT && text_starts(word, envelope)) {
            word = text_skip(word, sizeof envelope - 1);
            out->sender = address_domain(word.p, word.n, &out->sender_domain);
            break;
        }
    }
}

/* RFC 3848, RFC 6531 4.3; "asmtp" is old Exim, HTTP is webmail, where a user logged in. */
static bool
is_authenticated(struct text protocol)
{
    static const char *const names[] = {"ESMTPA", "ESMTPSA", "LMTPA", "LMTPSA", "UTF8SMTPA",
        "UTF8SMTPSA", "UTF8LMTPA", "UTF8LMTPSA", "SMTPA", "SMTPSA", "asmtp", "asmtps", "HTTP",
        "HTTPS"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (text_equals(protocol, names[i]))
            return true;
    return false;
}

/* -- the from clause -- */

/* "192.0.2.1", "IPv6:2001:db8::1" */
static bool
parse_address(struct text text, struct ip *out)
{
    if (text_starts(text, "IPv6:"))
        text = text_skip(text, 5);
    return ip_parse(text.p, text.n, out) == ERR_OK;
}

/* "[address]" or "[address]:port" at the start; *rest is what follows. */
static bool
parse_bracketed(struct text text, struct ip *out, struct text *rest)
{
    struct text inner;

    if (!text_char(&text, '['))
        return false;
    inner = text_before(text, "]");
    if (inner.n == text.n || !parse_address(inner, out))
        return false;
    *rest = text_skip(text, inner.n + 1);
    if (rest->n > 1 && *rest->p == ':' && text_is_digit(rest->p[1])) {
        unsigned port;

        *rest = text_skip(*rest, 1);
        if (!text_number(rest, 1, 5, &port))
            return false;
    }
    return rest->n == 0 || text_is_space(*rest->p);
}

/* A reverse name as the writer gives it; one that cannot be held counts as not told. */
static void
set_ptr(struct text name, enum obs_ptr seen, struct received *out)
{
    /* RFC 1413 idents name a user: dropped. */
    for (size_t i = name.n; i-- > 0;)
        if (name.p[i] == '@') {
            name = text_skip(name, i + 1);
            break;
        }
    out->ptr_seen = OBS_PTR_NONE;
    if (name.n == 0 || text_equals(name, "unknown"))
        return;
    out->ptr_seen = OBS_PTR_UNSEEN;
    if (memchr(name.p, '\\', name.n) != NULL || dname_parse(name.p, name.n, &out->ptr) != ERR_OK ||
        !dname_is_hostname(&out->ptr))
        out->ptr = (struct dname){.len = 0};
    else
        out->ptr_seen = seen;
}

static void
set_helo(struct text name, struct received *out)
{
    helo_set(&out->helo, name.p, name.n);
}

/* The value of "helo=" among an Exim comment's words. */
static struct text
exim_helo(struct text words)
{
    while ((words = text_trim(words)).n > 0) {
        struct text word = text_before(words, " \t");

        if (text_starts(word, "helo="))
            return text_skip(word, 5);
        words = text_skip(words, word.n > 0 ? word.n : 1);
    }
    return (struct text){"", 0};
}

/* Exim without a verified name: "from [192.0.2.1] (helo=x)", "from [192.0.2.1]:4711 by". A HELO
 * there that holds brackets could also be Sendmail's "(PTR [address])" with a PTR "helo=x". */
static enum err
parse_exim_bare(const struct parts *parts, struct received *out)
{
    struct text rest;

    if (!parse_bracketed(parts->token, &out->client, &rest) || rest.n > 0)
        return ERR_SYNTAX;
    out->ptr_seen = OBS_PTR_NONE;
    if (parts->comment_count == 0)
        return parts->exim ? ERR_OK : ERR_SYNTAX;
    struct text helo = exim_helo(parts->comments[0]);
    if (!parts->exim && memchr(parts->comments[0].p, '[', parts->comments[0].n) != NULL)
        return ERR_SYNTAX;
    set_helo(helo, out);
    return ERR_OK;
}

/* qmail "from PTR (HELO x) (ident@192.0.2.1)", and without a HELO comment where it equals the name.
 */
static enum err
parse_qmail(const struct parts *parts, bool has_helo, struct received *out)
{
    unsigned at = has_helo ? 1 : 0;
    struct text address, rest, helo = parts->token;

    if (parts->comment_count <= at)
        return ERR_SYNTAX;
    address = parts->comments[at];
    for (size_t i = address.n; i-- > 0;)
        if (address.p[i] == '@') {
            address = text_skip(address, i + 1);
            break;
        }
    /* qmail-ldap puts it in brackets. */
    if (!parse_address(address, &out->client) &&
        (!parse_bracketed(address, &out->client, &rest) || rest.n > 0))
        return ERR_SYNTAX;
    set_ptr(parts->token, OBS_PTR_UNSEEN, out);
    if (has_helo)
        helo = text_trim(text_skip(parts->comments[0], 4));
    if (has_helo || out->ptr_seen != OBS_PTR_NONE)
        set_helo(helo, out);
    return ERR_OK;
}

/*
 * Postfix, Zimbra, Sendmail: "from HELO (PTR [address])", Sendmail also "(ident@PTR [address] (may
 * be forged))" and "([address])" without a PTR. Exim: "from PTR ([address] helo=x)", and no helo=
 * where it equals the verified PTR.
 */
static enum err
parse_bracket_comment(const struct parts *parts, struct received *out)
{
    struct text comment = text_trim(parts->comments[0]), rest;
    struct text name = text_before(comment, "[ \t");
    struct text address = text_trim(text_skip(comment, name.n));

    if (!parse_bracketed(address, &out->client, &rest))
        return ERR_SYNTAX;
    rest = text_trim(rest);
    if (name.n == 0 && (parts->exim || text_starts(rest, "helo=") || text_starts(rest, "ident="))) {
        struct text helo = exim_helo(rest);

        set_ptr(parts->token, OBS_PTR_VERIFIED, out);
        set_helo(helo.n > 0 ? helo : parts->token, out);
        return ERR_OK;
    }
    if (rest.n > 0 && *rest.p != '(')
        return ERR_SYNTAX;
    set_ptr(name, text_starts(rest, "(may be") ? OBS_PTR_UNVERIFIED : OBS_PTR_VERIFIED, out);
    /* Without a HELO, Postfix writes the name that it has for the client. */
    if (!text_equals(name, "unknown") || !text_equals(parts->token, "unknown"))
        set_helo(parts->token, out);
    return ERR_OK;
}

/* A hand-over between programs of one site. LMTP is for that alone (RFC 2033 5): Dovecot gives no
 * address, Zimbra its own, maybe public one. Exim: "from user by host with local". Sendmail's
 * submit has one word "user@localhost" in place of the address; qmail would let "HELO x@localhost"
 * by. */
static bool
is_inside(const struct parts *parts)
{
    static const char localhost[] = "@localhost";
    size_t n = sizeof localhost - 1;
    struct text first = parts->comment_count > 0 ? parts->comments[0] : (struct text){"", 0};

    if (text_equals(first, "localhost [[UNIX: localhost]]"))
        return true;
    if (first.n > n && text_before(first, " \t=[(").n == first.n &&
        text_equals(text_skip(first, first.n - n), localhost))
        return true;
    return text_starts(parts->protocol, "LMTP") || text_starts(parts->protocol, "local") ||
           text_starts(parts->protocol, "qmail-scanner");
}

static enum err
parse_client(const struct parts *parts, struct received *out)
{
    struct text first;

    /* Fetchmail names the server like this; from SMTP servers, no such form is known. */
    if (parts->bare.n > 0)
        return out->fetched && parse_bracketed(parts->bare, &out->client, &first) && first.n == 0
                   ? ERR_OK
                   : ERR_SYNTAX;
    if (parts->comment_count == 0)
        return parse_exim_bare(parts, out);
    first = parts->comments[0];
    if (text_starts(first, "HELO ") || text_starts(first, "EHLO "))
        return parse_qmail(parts, true, out);
    if (text_starts(first, "helo=") || text_starts(first, "port=") || text_starts(first, "ident="))
        return parse_exim_bare(parts, out);
    if (memchr(first.p, '[', first.n) != NULL)
        return parse_bracket_comment(parts, out);
    return parse_qmail(parts, false, out);
}

enum err
received_parse(const char *value, size_t len, struct received *out)
{
    struct text in;
    struct parts parts = {.token = {"", 0}, .bare = {"", 0}, .protocol = {"", 0}};
    size_t end = len;
    enum err err;

    *out = (struct received){.sender = OBS_SENDER_UNKNOWN};
    /* A date holds no ';', what stands before it might. */
    for (size_t i = len; i-- > 0 && end == len;)
        if (value[i] == ';')
            end = i;
    if (end < len)
        out->has_time = mail_date(value + end + 1, len - end - 1, &out->when_s);
    in = (struct text){value, end};
    err = split_from(&in, &parts);
    if (err != ERR_OK)
        return err;
    split_by(in, &parts, out);
    out->local = true;
    if (!parts.has_from)
        return ERR_OK;
    out->authenticated = parts.authenticated || is_authenticated(parts.protocol);
    out->fetched = text_starts(parts.protocol, "POP") || text_starts(parts.protocol, "IMAP");
    if (is_inside(&parts))
        return ERR_OK;
    out->local = false;
    return parse_client(&parts, out);
}
