/* Lines that begin with $ in rbldnsd's lists, and what they do to values; see listfile.h. */
#include "loader/listauthority.h"
#include "loader/listword.h"

enum { TEXT_SERVED = 254 /* rbldnsd's txtsubst stops there */ };
enum { HOUR_S = 3600, DAY_S = 86400, MINUTE_S = 60 };

static const char unknown[] =
    "no directive of this type; remove it ($SOA $NS $TTL $TIMESTAMP $MAXRANGE4 $0 to $9 $=)";
static const char bad_ttl[] = "not a time to live; write $TTL 2100, 35m, 1h or 1d";
static const char bad_max[] = "not a size; write $MAXRANGE4 256 or $MAXRANGE4 /24";
static const char raised[] = "$MAXRANGE4 may only become smaller; the earlier one stays";
static const char bad_variable[] = "the variable has no text; write it after a blank";
static const char bad_stamp[] =
    "not a time stamp; write $TIMESTAMP 2026:05:25:14:30:00 and, if it ends, when or +7d";
static const char future[] =
    "the data's $TIMESTAMP lies in the future; correct it or this machine's clock";

/* A field of a stamp: at most digits digits, and a separator after it if there is one. */
static bool
field(struct listfile_cursor *at, unsigned digits, unsigned least, unsigned most, unsigned *out)
{
    unsigned n = 0, i = 0;
    for (; i < digits && listfile_digit(at); i++)
        n = n * 10 + (unsigned)(*at->p++ - '0');
    if (i == 0 || n < least || n > most)
        return false;
    if (listfile_at(at, ':') || listfile_at(at, '-'))
        at->p++;
    *out = n;
    return true;
}

/* Days from 1 January 1970 to the first of a month, Gregorian. */
static int64_t
days_before(unsigned year, unsigned month)
{
    static const uint16_t before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    unsigned past = year - 1;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    int64_t leaps = (int64_t)(past / 4 - past / 100 + past / 400) - 477;
    return 365 * ((int64_t)year - 1970) + leaps + before[month - 1] + (leap && month > 2);
}

static unsigned
days_in(unsigned year, unsigned month)
{
    return (unsigned)(month == 12 ? 31 : days_before(year, month + 1) - days_before(year, month));
}

/* yyyy:mm:dd[:hh[:mi[:ss]]] in UTC with ":", "-" or nothing between; "0", "-" or ":" is none (0).
 */
static bool
stamp(struct listfile_cursor *at, int64_t *out)
{
    unsigned year, month, day, hour = 0, minute = 0, second = 0;
    struct listfile_cursor next = {at->p + 1, at->end};
    *out = 0;
    if ((listfile_at(at, '0') || listfile_at(at, '-') || listfile_at(at, ':')) &&
        listword_at_end(&next)) {
        at->p++;
        listfile_skip_blanks(at);
        return true;
    }
    if (!field(at, 4, 1970, 2038, &year) || !field(at, 2, 1, 12, &month) ||
        !field(at, 2, 1, days_in(year, month), &day))
        return false;
    if (!listword_at_end(at) && !field(at, 2, 0, 23, &hour))
        return false;
    if (!listword_at_end(at) && !field(at, 2, 0, 59, &minute))
        return false;
    if (!listword_at_end(at) && !field(at, 2, 0, 59, &second))
        return false;
    if (!listword_at_end(at))
        return false;
    listfile_skip_blanks(at);
    *out =
        (days_before(year, month) + day - 1) * DAY_S + hour * HOUR_S + minute * MINUTE_S + second;
    return true;
}

static enum err
timestamp(struct listfile *file, struct listfile_cursor at, const char **what)
{
    int64_t made_s, expires_s = 0;
    uint32_t after_s;
    *what = bad_stamp;
    if (!stamp(&at, &made_s))
        return ERR_SYNTAX;
    if (listfile_at(&at, '+')) {
        at.p++;
        if (!listword_time(&at, &after_s) || at.p < at.end || made_s == 0 || after_s == 0)
            return ERR_SYNTAX;
        expires_s = made_s + after_s;
    } else if (at.p < at.end && (!stamp(&at, &expires_s) || at.p < at.end)) {
        return ERR_SYNTAX;
    }
    if (made_s > file->now_s) {
        *what = future;
        return ERR_REFUSED;
    }
    *what = NULL;
    if (expires_s != 0 && (file->expires_s == 0 || expires_s < file->expires_s))
        file->expires_s = expires_s;
    return ERR_NOTFOUND;
}

static enum err
max_range(struct listfile *file, struct listfile_cursor at, const char **what)
{
    bool bits = listfile_at(&at, '/');
    uint32_t n;
    if (bits)
        at.p++;
    if (!listword_number(&at, &n) || at.p < at.end || n == 0 || (bits && n > 32)) {
        *what = bad_max;
        return ERR_SYNTAX;
    }
    if (bits)
        n = UINT32_C(1) << (32 - n);
    if (file->max_range != 0 && file->max_range < n) {
        *what = raised;
        return ERR_SYNTAX;
    }
    file->max_range = n;
    return ERR_NOTFOUND;
}

/* The first text of a variable stays. */
static enum err
variable(struct listfile *file, unsigned number_of, struct listfile_cursor at, const char **what)
{
    if (file->set[number_of])
        return ERR_NOTFOUND;
    listfile_skip_blanks(&at);
    if (at.p == at.end) {
        *what = bad_variable;
        return ERR_SYNTAX;
    }
    file->set[number_of] = true;
    /* What is cut off would not fit into a TXT anyway. */
    (void)listfile_set_text(&file->variables[number_of], &at);
    return ERR_NOTFOUND;
}

enum err
listfile_special(struct listfile *file, const char *line, size_t n, const char **what)
{
    struct listfile_cursor at = {line, line + n};
    if (listword_is(&at, "soa"))
        return listauthority_soa(file, at, what);
    if (listword_is(&at, "ns") || listword_is(&at, "nameserver"))
        return listauthority_ns(file, at, what);
    if (listword_is(&at, "ttl")) {
        uint32_t ttl_s;
        if (listword_time(&at, &ttl_s) && at.p == at.end && ttl_s <= LISTFILE_TTL_MAX) {
            file->ttl_s = listfile_ttl(file, ttl_s);
            return ERR_NOTFOUND;
        }
        *what = bad_ttl;
        return ERR_SYNTAX;
    }
    if (listword_is(&at, "maxrange4"))
        return max_range(file, at, what);
    if (listword_is(&at, "timestamp"))
        return timestamp(file, at, what);
    if (n >= 2 && listfile_blank(line[1]) && (listfile_digit(&at) || line[0] == '=')) {
        unsigned which = line[0] == '=' ? LISTFILE_BASE : (unsigned)(line[0] - '0');
        return variable(file, which, (struct listfile_cursor){line + 1, at.end}, what);
    }
    *what = unknown;
    return ERR_SYNTAX;
}

/* A text being put together: served counts its bytes in an answer where the subject is one. */
struct template
{
    uint8_t *p;
    size_t n, served;
};

/* Bytes that mean themselves. */
static void
add_plain(struct template *out, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n && out->served < TEXT_SERVED; i++) {
        size_t size = bytes[i] == '$' ? 2 : 1;
        if (out->n + size > VALUE_TXT_MAX)
            return;
        memset(out->p + out->n, bytes[i], size);
        out->n += size;
        out->served++;
    }
}

static void
add_subject(struct template *out)
{
    if (out->served == TEXT_SERVED || out->n == VALUE_TXT_MAX)
        return;
    out->p[out->n++] = '$';
    out->served++;
}

/* What stands after a dollar sign; returns the bytes taken. own is what $= means, empty for the
 * subject. */
static size_t
add_dollar(const struct listfile *file, struct template *out, struct listfile_cursor at,
    const struct listfile_cursor *own)
{
    if (listfile_digit(&at)) {
        unsigned digit = (unsigned)(*at.p - '0');
        if (file->set[digit])
            add_plain(out, file->variables[digit].b, file->variables[digit].n);
        else
            add_plain(out, at.p - 1, 2);
        return 1;
    }
    if (listfile_at(&at, '$')) {
        add_plain(out, "$", 1);
        return 1;
    }
    if (!listfile_at(&at, '=')) {
        add_subject(out);
        return 0;
    }
    if (own == NULL)
        add_subject(out);
    else
        add_plain(out, own->p, (size_t)(own->end - own->p));
    return 1;
}

size_t
listfile_value(
    const struct listfile *file, const struct listfile_raw *raw, uint8_t out[LISTFILE_VALUE_MAX])
{
    uint8_t txt[VALUE_TXT_MAX];
    struct template to = {.p = txt};
    if (list_type_info(file->type)->values == LIST_VALUES_ONE)
        raw = &file->def;
    bool action = list_type_info(file->type)->holds == LIST_HOLDS_CLIENTS && raw->a <= ACL_A_PASS;
    struct listfile_cursor own = {raw->text.b, raw->text.b + raw->text.n}, from = own;
    const struct listfile_text *base = &file->variables[LISTFILE_BASE];
    bool subject = false;
    if (listfile_at(&own, '=')) {
        from.p = ++own.p; /* the base template is not for this one */
    } else if (file->set[LISTFILE_BASE] && !action) {
        subject = raw->text.n == 0;
        from = (struct listfile_cursor){base->b, base->b + base->n};
    }
    while (from.p < from.end) {
        char c = *from.p++;
        if (c == '$')
            from.p += add_dollar(file, &to, from, subject ? NULL : &own);
        else
            add_plain(&to, &c, 1);
    }
    size_t n = 0;
    struct value_element element = {
        .literal = true, .a = raw->a, .has_txt = to.n > 0, .txt = slice_of(txt, to.n)};
    /* There is room for the longest. */
    (void)!value_append(out, LISTFILE_VALUE_MAX, &n, &element);
    return n;
}
