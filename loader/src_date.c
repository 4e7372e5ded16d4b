/*
 * The date of a mail header (RFC 5322 3.3, obsolete forms 4.3). See src_received.h.
 */
#include <strings.h>

#include "loader/civil.h"
#include "loader/src_received.h"
#include "loader/src_text.h"

/* Three letters of a list of such; its index from 1, or 0. */
static unsigned
take_name(struct text *in, const char *names)
{
    for (unsigned i = 0; names[3 * i] != '\0' && in->n >= 3; i++)
        if (strncasecmp(in->p, names + (size_t)3 * i, 3) == 0) {
            *in = text_skip(*in, 3);
            return i + 1;
        }
    return 0;
}

/* RFC 5322 3.3 and 4.3: offset in seconds; a zone not known is -0000, as that section asks. */
static int64_t
zone_of(struct text in)
{
    static const char names[] = "EDTESTCDTCSTMDTMSTPDTPST";
    bool west = in.n > 0 && *in.p == '-';
    unsigned value, name;

    in = text_trim(in);
    if (text_char(&in, '+') || text_char(&in, '-')) {
        if (!text_number(&in, 4, 4, &value) || value % 100 > 59 || value > 1400)
            return 0;
        int64_t offset = ((int64_t)(value / 100) * 60 + value % 100) * 60;
        return west ? -offset : offset;
    }
    name = take_name(&in, names);
    return name == 0 ? 0 : -(4 + (int64_t)(name / 2)) * 3600;
}

bool
mail_date(const char *text, size_t len, int64_t *out)
{
    static const unsigned lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct text in = {text, len};
    unsigned day, month, year, hour, minute, second = 0;

    in = text_trim(in);
    if (take_name(&in, "MonTueWedThuFriSatSun") > 0)
        (void)text_char(&in, ',');
    in = text_trim(in);
    if (!text_number(&in, 1, 2, &day))
        return false;
    in = text_trim(in);
    month = take_name(&in, "JanFebMarAprMayJunJulAugSepOctNovDec");
    in = text_trim(in);
    if (month == 0 || day == 0 || day > lengths[month - 1] || !text_number(&in, 2, 4, &year))
        return false;
    year += year < 50 ? 2000 : year < 1000 ? 1900 : 0;
    in = text_trim(in);
    if (!text_number(&in, 1, 2, &hour) || !text_char(&in, ':') || !text_number(&in, 2, 2, &minute))
        return false;
    if (text_char(&in, ':') && !text_number(&in, 2, 2, &second))
        return false;
    if (year < 1970 || hour > 23 || minute > 59 || second > 60)
        return false;
    *out = civil_days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second -
           zone_of(text_trim(in));
    return true;
}
