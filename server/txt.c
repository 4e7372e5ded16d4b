/* The TXT of a listing; see txt.h. */
#include "server/txt.h"

#include "zones/spftable.h"

enum { STRING_MAX = 255, DAY_S = 86400, POLICY_MAX = 520 };

struct text {
    char *p;
    size_t n, size;
};

static void
add(struct text *text, const void *bytes, size_t n)
{
    if (n > text->size - text->n)
        n = text->size - text->n;
    if (n != 0)
        memcpy(text->p + text->n, bytes, n);
    text->n += n;
}

static void
add_string(struct text *text, const char *string)
{
    add(text, string, strlen(string));
}

static void
add_number(struct text *text, unsigned number, unsigned digits)
{
    char out[10];
    for (unsigned i = digits; i-- > 0; number /= 10)
        out[i] = (char)('0' + number % 10);
    add(text, out, digits);
}

/* YYYY-MM-DD in UTC: the civil calendar counted in eras of 400 years that begin on 1 March. */
static void
add_date(struct text *text, int64_t when_s)
{
    int64_t days = when_s / DAY_S + 719468, era = days / 146097;
    unsigned day_of_era = (unsigned)(days - era * 146097);
    unsigned year =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * day_of_year + 2) / 153;
    unsigned day = day_of_year - (153 * month + 2) / 5 + 1;
    month = month < 10 ? month + 3 : month - 9;
    add_number(text, (unsigned)(era * 400) + year + (month <= 2), 4);
    add_string(text, "-");
    add_number(text, month, 2);
    add_string(text, "-");
    add_number(text, day, 2);
}

/* $ is the subject, $$ a dollar sign. */
static void
add_template(struct text *text, const char *template, size_t n, struct slice subject)
{
    const char *at = template, *end = template + n, *dollar;
    while ((dollar = memchr(at, '$', (size_t)(end - at))) != NULL) {
        bool escaped = dollar + 1 < end && dollar[1] == '$';
        add(text, at, (size_t)(dollar - at) + escaped);
        if (!escaped)
            add(text, subject.p, subject.n);
        at = dollar + 1 + escaped;
    }
    add(text, at, (size_t)(end - at));
}

/* Of an address: what the evidence is about. */
static struct prefix
judged_of(const struct lookup_item *item)
{
    const struct lookup_subject *subject = &item->subject;
    unsigned bits = subject->network != 0 ? subject->network : ip_bits(ip_family(&subject->ip));
    return prefix_of(&subject->ip, bits);
}

/* Of a name: as one of its own. */
static void
name_of(const struct lookup *found, const struct lookup_item *item, struct dname *out)
{
    memcpy(out->b, found->asked->b + item->subject.at, item->subject.n);
    out->b[item->subject.n] = 0;
    out->len = (uint8_t)(item->subject.n + 1);
}

static void
add_evidence(struct text *text, struct snapshot *snapshot, const struct zone_def *zone,
    const struct lookup *found, const struct lookup_item *item)
{
    struct store_key key;
    struct slice value;
    struct evidence evidence;
    struct dname name;
    if (item->subject.is_ip) {
        const struct prefix judged = judged_of(item);
        store_key_evidence_ip(&key, item->dataset, &judged.addr);
    } else {
        name_of(found, item, &name);
        store_key_evidence_name(&key, item->dataset, &name);
    }
    if (kvread_get(snapshot_reader(snapshot), store_key_slice(&key), &value) < 0 ||
        evidence_decode(value, &evidence) < 0)
        return;
    if (evidence.since_s > 0) {
        add_string(text, "; since ");
        add_date(text, evidence.since_s);
    }
    if (zone->private && evidence.detail.n > 0) {
        add_string(text, "; ");
        add(text, evidence.detail.p, evidence.detail.n);
    }
}

/* What the policy gives as its explanation (RFC 7208 6.2), or why it has an error. */
static void
add_policy(struct text *text, const struct lookup *found, const struct lookup_item *item)
{
    char says[POLICY_MAX];
    if (item->txt.n == 0)
        return;
    size_t n = spftable_text(item->txt, &found->ip, says, sizeof says);
    bool quoted = item->reason == REASON_SPF_FAIL;
    add_string(text, quoted ? "; the domain says: \"" : ": ");
    add(text, says, n);
    add_string(text, quoted ? "\"" : "");
}

size_t
txt_make(struct snapshot *snapshot, const struct zone_def *zone, const struct lookup *found,
    const struct lookup_item *item, char out[TXT_MAX])
{
    char name[DNAME_TEXT_SIZE], judged[PREFIX_TEXT_SIZE];
    struct text text = {.p = out, .size = TXT_MAX};
    if (item->literal && !item->has_txt)
        return 0;
    struct dname listed;
    if (item->subject.is_ip) {
        ip_format(&item->subject.ip, name);
    } else {
        name_of(found, item, &listed);
        (void)dname_format(&listed, name);
    }
    struct slice subject = slice_of(name, strlen(name));
    if (item->literal) {
        /* As rbldnsd: one character-string, cut. */
        text.size = STRING_MAX;
        add_template(&text, item->txt.p, item->txt.n, subject);
        return text.n;
    }
    if (zone->informational)
        add_string(&text, "NOT A BLOCK LIST: ");
    const char *sentence = reason_info(item->reason)->text;
    struct slice about = subject;
    if (item->subject.is_ip && item->subject.network != 0) {
        const struct prefix network = judged_of(item);
        prefix_format(&network, judged);
        about = slice_of(judged, strlen(judged));
    }
    add_template(&text, sentence, strlen(sentence), about);
    add_policy(&text, found, item);
    if (item->has_evidence)
        add_evidence(&text, snapshot, zone, found, item);
    if (zone->url[0] != '\0') {
        add_string(&text, "; see ");
        add_template(&text, zone->url, strlen(zone->url), subject);
    }
    return text.n;
}

void
txt_put_strings(struct wire_out *out, const char *text, size_t n)
{
    do {
        size_t part = n < STRING_MAX ? n : STRING_MAX;
        wire_put_u8(out, (uint8_t)part);
        wire_put(out, text, part);
        text += part;
        n -= part;
    } while (n > 0);
}
