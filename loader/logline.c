/* The head of a syslog line. See logline.h. */
#include "loader/logline.h"

#include "loader/civil.h"

#include <stdbool.h>

enum { DAY_S = 86400, PID_DIGITS_MAX = 9, SYNTAX_YEAR_MIN = 1970, SYNTAX_YEAR_MAX = 9999 };

/* -- stamps -- */

struct stamp {
    bool has_year, has_offset;
    unsigned year, month, day, hour, minute, second;
    int32_t offset_s;
};

/* Beginnings of month names as syslog daemons under other locales write them, lower case, in UTF-8
 * or Latin-1. The longer one stands before a shorter one that it begins with. */
static const struct {
    const char *begin;
    unsigned month;
} month_names[] = {
    {"jan", 1}, {"ene", 1}, {"gen", 1}, {"sty", 1},                         /* */
    {"feb", 2}, {"fev", 2}, {"f\xc3\xa9v", 2}, {"f\xe9v", 2}, {"lut", 2},   /* */
    {"mar", 3}, {"m\xc3\xa4r", 3}, {"m\xe4r", 3}, {"mrz", 3}, {"maa", 3},   /* */
    {"mrt", 3}, {"apr", 4}, {"avr", 4}, {"abr", 4}, {"kwi", 4},             /* */
    {"may", 5}, {"mai", 5}, {"mei", 5}, {"maj", 5}, {"mag", 5},             /* */
    {"juin", 6}, {"jun", 6}, {"giu", 6}, {"cze", 6},                        /* */
    {"juil", 7}, {"jul", 7}, {"lug", 7}, {"lip", 7},                        /* */
    {"aug", 8}, {"aou", 8}, {"ao\xc3\xbb", 8}, {"ao\xfb", 8}, {"ago", 8},   /* */
    {"sie", 8}, {"sep", 9}, {"set", 9}, {"wrz", 9},                         /* */
    {"oct", 10}, {"okt", 10}, {"ott", 10}, {"out", 10}, {"pa\xc5\xba", 10}, /* */
    {"nov", 11}, {"lis", 11},                                               /* */
    {"dec", 12}, {"d\xc3\xa9", 12}, {"d\xe9", 12}, {"dez", 12},             /* */
    {"dic", 12}, {"des", 12}, {"gru", 12},                                  /* */
};

static bool
parse_month(struct text *in, unsigned *out)
{
    static const char english[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct text word;

    /* Nearly every line has this form. */
    if (in->n > 4 && in->p[3] == ' ')
        for (unsigned i = 0; i < 12; i++)
            if (memcmp(english + (size_t)i * 3, in->p, 3) == 0) {
                *out = i + 1;
                *in = text_trim(text_skip(*in, 4));
                return true;
            }
    word = text_before(*in, " ");
    if (word.n < 3 || word.n > 10)
        return false;
    for (size_t i = 0; i < sizeof month_names / sizeof month_names[0]; i++)
        if (text_starts(word, month_names[i].begin)) {
            *out = month_names[i].month;
            *in = text_trim(text_skip(*in, word.n));
            return true;
        }
    return false;
}

/* "HH:MM:SS" with an optional fraction, which is dropped. */
static bool
parse_clock(struct text *in, struct stamp *out)
{
    if (!text_number(in, 1, 2, &out->hour) || !text_char(in, ':') ||
        !text_number(in, 2, 2, &out->minute) || !text_char(in, ':') ||
        !text_number(in, 2, 2, &out->second))
        return false;
    if (in->n > 1 && (*in->p == '.' || *in->p == ',') && text_is_digit(in->p[1])) {
        *in = text_skip(*in, 1);
        while (in->n > 0 && text_is_digit(*in->p))
            *in = text_skip(*in, 1);
    }
    /* A leap second is the next one. */
    return out->hour < 24 && out->minute < 60 && out->second <= 60;
}

/* "Nov 24 03:25:01", "oct. 02 12:06:22", "Nov 24 2026 03:25:01". */
static bool
parse_rfc3164(struct text *in, struct stamp *out)
{
    if (!parse_month(in, &out->month) || !text_number(in, 1, 2, &out->day))
        return false;
    *in = text_trim(*in);
    if (in->n > 4 && text_is_digit(in->p[2]) && text_is_digit(in->p[3])) {
        if (!text_number(in, 4, 4, &out->year))
            return false;
        out->has_year = true;
        *in = text_trim(*in);
    }
    return parse_clock(in, out);
}

/* "+02:00", "-0530", "Z", Exim's " +0200", or nothing. */
static bool
parse_offset(struct text *in, struct stamp *out)
{
    unsigned hours, minutes;

    if (in->n > 5 && *in->p == ' ' && (in->p[1] == '+' || in->p[1] == '-') &&
        text_is_digit(in->p[2]) && text_is_digit(in->p[5]))
        *in = text_skip(*in, 1);
    bool west = in->n > 0 && *in->p == '-';

    if (text_char(in, 'Z') || text_char(in, 'z')) {
        out->has_offset = true;
        return true;
    }
    if (in->n == 0 || (*in->p != '+' && *in->p != '-'))
        return true;
    *in = text_skip(*in, 1);
    if (in->n < 4)
        return false;
    hours = (unsigned)(in->p[0] - '0') * 10 + (unsigned)(in->p[1] - '0');
    if (!text_is_digit(in->p[0]) || !text_is_digit(in->p[1]) || hours > 15)
        return false;
    *in = text_skip(*in, 2);
    (void)text_char(in, ':');
    if (!text_number(in, 2, 2, &minutes) || minutes > 59)
        return false;
    out->has_offset = true;
    out->offset_s = (int32_t)(hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return true;
}

/* "2024-08-26T01:33:38.572449+00:00"; RFC 3339 5.6 allows a blank for the T. */
static bool
parse_rfc3339(struct text *in, struct stamp *out)
{
    if (!text_number(in, 4, 4, &out->year) || !text_char(in, '-') ||
        !text_number(in, 2, 2, &out->month) || !text_char(in, '-') ||
        !text_number(in, 2, 2, &out->day) ||
        (!text_char(in, 'T') && !text_char(in, 't') && !text_char(in, ' ')))
        return false;
    out->has_year = true;
    return parse_clock(in, out) && parse_offset(in, out);
}

static bool
is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t
year_of(int64_t when_s)
{
    int64_t year = 1970 + when_s / (INT64_C(146097) * DAY_S / 400);

    while (civil_days(year, 1, 1) * DAY_S > when_s)
        year--;
    while (civil_days(year + 1, 1, 1) * DAY_S <= when_s)
        year++;
    return year;
}

static bool
is_date(const struct stamp *stamp)
{
    static const uint8_t most[12] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return stamp->month >= 1 && stamp->month <= 12 && stamp->day >= 1 &&
           stamp->day <= most[stamp->month - 1] &&
           (!stamp->has_year || (stamp->year >= SYNTAX_YEAR_MIN && stamp->year <= SYNTAX_YEAR_MAX));
}

static int64_t
seconds_of(const struct stamp *stamp, int64_t year)
{
    return civil_days(year, stamp->month, stamp->day) * DAY_S + stamp->hour * 3600 +
           stamp->minute * 60 + stamp->second;
}

static int64_t
resolve_stamp(const struct stamp *stamp, int64_t now_s, int32_t utc_offset_s)
{
    int64_t offset_s = stamp->has_offset ? stamp->offset_s : utc_offset_s;

    if (stamp->has_year)
        return seconds_of(stamp, stamp->year) - offset_s;
    int64_t year = year_of(now_s + offset_s) + 1;
    while (seconds_of(stamp, year) - offset_s > now_s + DAY_S)
        year--;
    while (stamp->month == 2 && stamp->day == 29 && !is_leap(year))
        year--;
    return seconds_of(stamp, year) - offset_s;
}

enum err
logline_stamp(struct text *in, int64_t now_s, int32_t utc_offset_s, int64_t *when_s)
{
    struct stamp stamp = {0};

    if (in->n == 0 ||
        !(text_is_digit(*in->p) ? parse_rfc3339(in, &stamp) : parse_rfc3164(in, &stamp)) ||
        !is_date(&stamp) || (in->n > 0 && !text_is_space(*in->p)))
        return ERR_SYNTAX;
    *when_s = resolve_stamp(&stamp, now_s, utc_offset_s);
    return ERR_OK;
}

/* -- the rest of the head -- */

/* "<22>" of a relay that keeps the priority, "<mail.info>" of FreeBSD's syslogd -vv. */
static void
skip_angle(struct text *in)
{
    size_t n = 1;

    if (in->n == 0 || *in->p != '<')
        return;
    while (n < in->n && n < 24 && in->p[n] != '>' && in->p[n] != ' ')
        n++;
    if (n < in->n && in->p[n] == '>')
        *in = text_trim(text_skip(*in, n + 1));
}

/* "postfix/smtpd[174]:" or "su:". False when the word is none, so that it may be the host. */
static bool
parse_program(struct text word, struct logline *out)
{
    struct text rest;

    if (word.n < 2 || word.p[word.n - 1] != ':')
        return false;
    word.n--;
    const char *bracket = memchr(word.p, '[', word.n);
    out->program = (struct text){word.p, bracket == NULL ? word.n : (size_t)(bracket - word.p)};
    rest = text_skip(word, out->program.n);
    out->pid = 0;
    if (out->program.n == 0)
        return false;
    if (rest.n == 0)
        return true;
    /* "<pid>.<thread>" of some daemons is read up to the dot. */
    rest = text_skip(rest, 1);
    (void)text_number(&rest, 1, PID_DIGITS_MAX, &out->pid);
    return rest.n > 0 && rest.p[rest.n - 1] == ']';
}

/* The host may be missing (postlogd without one, policy daemons that log by themselves). */
static bool
parse_names(struct text *in, struct logline *out)
{
    for (unsigned words = 0; words < 2; words++) {
        *in = text_trim(*in);
        const char *space = in->n == 0 ? NULL : memchr(in->p, ' ', in->n);
        struct text word = {in->p, space == NULL ? in->n : (size_t)(space - in->p)};

        if (word.n == 0)
            return false;
        *in = text_skip(*in, word.n);
        if (parse_program(word, out))
            return true;
        out->host = word;
    }
    return false;
}

/* One word of RFC 5424's head; "-" is none. */
static bool
take_word(struct text *in, struct text *out)
{
    const char *space = in->n == 0 ? NULL : memchr(in->p, ' ', in->n);

    if (space == NULL)
        return false;
    *out = text_until(*in, (size_t)(space - in->p));
    *in = text_skip(*in, out->n + 1);
    if (out->n == 1 && *out->p == '-')
        out->n = 0;
    return true;
}

/* RFC 5424 6.3: "-", or elements in brackets, where '\\' quotes a ']' inside of a value. */
static bool
skip_structured(struct text *in)
{
    size_t n = 0;

    if (text_take(in, "-"))
        return in->n == 0 || text_char(in, ' ');
    while (n < in->n && in->p[n] == '[') {
        for (; n < in->n && in->p[n] != ']'; n++)
            n += in->p[n] == '\\';
        n++;
    }
    if (n == 0 || n > in->n)
        return false;
    *in = text_skip(*in, n);
    return in->n == 0 || text_char(in, ' ');
}

/* RFC 5424 6: "1 STAMP HOST PROGRAM PID ID [DATA] TEXT", behind the priority and the version. */
static enum err
parse_rfc5424(struct text in, int64_t now_s, int32_t utc_offset_s, struct logline *out)
{
    struct text pid, id;

    if (logline_stamp(&in, now_s, utc_offset_s, &out->when_s) < 0 || !text_char(&in, ' ') ||
        !take_word(&in, &out->host) || !take_word(&in, &out->program) || !take_word(&in, &pid) ||
        !take_word(&in, &id) || !skip_structured(&in) || out->program.n == 0)
        return ERR_SYNTAX;
    (void)text_number(&pid, 1, PID_DIGITS_MAX, &out->pid);
    (void)text_take(&in, "\xef\xbb\xbf");
    out->text = in;
    return ERR_OK;
}

/* "[ID 197553 mail.info] " of Solaris, before the message. */
static void
skip_solaris_id(struct text *in)
{
    const char *end;

    if (!text_starts(*in, "[ID "))
        return;
    end = memchr(in->p, ']', in->n);
    if (end != NULL)
        *in = text_trim(text_skip(*in, (size_t)(end - in->p) + 1));
}

/* "message repeated 2 times: [ text]" is one more line with the text. */
static void
unwrap_repeated(struct text *in)
{
    struct text rest = *in;
    unsigned times;

    if (!text_starts(rest, "message repeated "))
        return;
    rest = text_skip(rest, strlen("message repeated "));
    if (!text_number(&rest, 1, 9, &times) || !text_starts(rest, " times: [") ||
        rest.p[rest.n - 1] != ']')
        return;
    rest = text_trim(text_skip(rest, strlen(" times: [")));
    rest.n -= rest.n > 0;
    *in = rest;
}

enum err
logline_parse(
    const char *line, size_t len, int64_t now_s, int32_t utc_offset_s, struct logline *out)
{
    struct text in = {line, len};

    *out = (struct logline){.host = {line, 0}, .program = {line, 0}, .text = {line, 0}};
    while (in.n > 0 && text_is_space(in.p[in.n - 1]))
        in.n--;
    skip_angle(&in);
    if (in.n > 2 && in.p[0] == '1' && in.p[1] == ' ') {
        enum err err = parse_rfc5424(text_skip(in, 2), now_s, utc_offset_s, out);

        unwrap_repeated(&out->text);
        return err;
    }
    if (logline_stamp(&in, now_s, utc_offset_s, &out->when_s) < 0)
        return ERR_SYNTAX;
    in = text_trim(in);
    skip_angle(&in);
    if (!parse_names(&in, out))
        return ERR_SYNTAX;
    in = text_trim(in);
    skip_solaris_id(&in);
    unwrap_repeated(&in);
    out->text = in;
    return ERR_OK;
}
