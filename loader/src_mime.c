/* Attached mails. See src_mime.h. */
#include "loader/src_mime.h"

#include "loader/src_header.h"

enum { BOUNDARY_MAX = 70 }; /* RFC 2046 5.1.1 */

enum body { BODY_OTHER, BODY_MAIL, BODY_PARTS };

/* What follows the first "boundary=" of a Content-Type (RFC 2045 5.1). */
static struct text
boundary_of(struct text value)
{
    while (value.n > 0 && !text_starts(value, "boundary="))
        value = text_skip(value, 1);
    value = text_skip(value, value.n > 0 ? strlen("boundary=") : 0);
    return text_char(&value, '"') ? text_before(value, "\"") : text_before(value, "; \t\r\n(");
}

/* Reads the header block at the begin of *in, which is then the body. boundary: room for one. */
static enum body
take_head(struct text *in, char boundary[BOUNDARY_MAX], size_t *boundary_len)
{
    struct mail_header header;
    enum body body = BODY_OTHER;

    *boundary_len = 0;
    while (mail_header_next(&in->p, &in->n, &header)) {
        struct text value = text_trim((struct text){header.value, header.len});

        if (!mail_header_is(&header, "Content-Type") || header.cut)
            continue;
        body = BODY_OTHER;
        if (text_starts(value, "message/rfc822")) {
            body = BODY_MAIL;
        } else if (text_starts(value, "multipart/")) {
            struct text found = boundary_of(value);

            body = found.n > 0 && found.n <= BOUNDARY_MAX ? BODY_PARTS : BODY_OTHER;
            *boundary_len = body == BODY_PARTS ? found.n : 0;
            memcpy(boundary, found.p, *boundary_len);
        }
    }
    /* Over the empty line. */
    (void)text_char(in, '\r');
    (void)text_char(in, '\n');
    return body;
}

/* Where the next line that begins with "--boundary" does; in.n: there is none. */
static size_t
delimiter(struct text in, const char *boundary, size_t len)
{
    for (size_t n = 0; n < in.n;) {
        struct text line = text_skip(in, n);
        const char *newline = memchr(line.p, '\n', line.n);

        if (text_begins(line, "--") && line.n - 2 >= len && memcmp(line.p + 2, boundary, len) == 0)
            return n;
        n = newline == NULL ? in.n : (size_t)(newline - in.p) + 1;
    }
    return in.n;
}

bool
mime_attached(struct text mail, size_t *at, struct text *out)
{
    char boundary[BOUNDARY_MAX], ignored[BOUNDARY_MAX];
    struct text in = mail;
    size_t len, ignored_len;
    enum body body = take_head(&in, boundary, &len);
    size_t begin = (size_t)(in.p - mail.p);

    if (body == BODY_MAIL && *at < begin) {
        *at = begin;
        *out = in;
        return true;
    }
    if (body != BODY_PARTS)
        return false;
    in = text_skip(mail, *at > begin ? *at : begin);
    while (true) {
        in = text_skip(in, delimiter(in, boundary, len));
        const char *newline = in.n == 0 ? NULL : memchr(in.p, '\n', in.n);

        if (newline == NULL)
            return false;
        in = text_skip(in, (size_t)(newline - in.p) + 1);
        struct text part = text_until(in, delimiter(in, boundary, len));

        *at = (size_t)(part.p + part.n - mail.p);
        if (take_head(&part, ignored, &ignored_len) == BODY_MAIL) {
            *out = part;
            return true;
        }
    }
}
