/* Plain records of lists; see listrecord.h. */
#include "loader/listrecord.h"

#include "loader/listkey.h"
#include "loader/listword.h"
#include "zones/be.h"

enum { TYPE_A = 1, TYPE_MX = 15, TYPE_TXT = 16 }; /* RFC 1035 3.2.2 */
enum { HEAD = 6 };

static const char bad_record[] =
    "not a record; write name [ttl] [IN] and A, TXT or MX with its value (@ is the zone's apex)";
static const char bad_ttl[] = "not a time to live; write 2100, 35m, 1h or 1d before the type";
static const char cut_text[] = "the text is longer than 255 bytes and was cut; shorten it";

/* Parsers of values: all that is left of the line. They append to rr. */
static bool
parse_a(struct listfile_cursor at, struct listfile_rr *rr, const char **what)
{
    uint32_t a;
    (void)what;
    /* What follows the address is not looked at. */
    if (listkey_a(&at, &a) == 0)
        return false;
    rr->n = (uint16_t)(be_put(rr->b + HEAD, a, 4) - rr->b);
    return true;
}

static bool
parse_txt(struct listfile_cursor at, struct listfile_rr *rr, const char **what)
{
    size_t n = (size_t)(at.end - at.p);
    if (n >= 2 && *at.p == '"' && at.end[-1] == '"') {
        at.p++;
        n -= 2;
    }
    if (n > LISTFILE_TEXT_MAX) {
        n = LISTFILE_TEXT_MAX;
        *what = cut_text;
    }
    rr->b[HEAD] = (uint8_t)n;
    memcpy(rr->b + HEAD + 1, at.p, n);
    rr->n = (uint16_t)(HEAD + 1 + n);
    return true;
}

static bool
parse_mx(struct listfile_cursor at, struct listfile_rr *rr, const char **what)
{
    uint32_t preference;
    struct dname name;
    (void)what;
    if (!listword_number(&at, &preference) || preference > UINT16_MAX ||
        !listword_name(&at, &name) || at.p < at.end)
        return false;
    memcpy(be_put(rr->b + HEAD, preference, 2), name.b, name.len);
    rr->n = (uint16_t)(HEAD + 2 + name.len);
    return true;
}

/* "@" alone is the apex; the root is not. */
static bool
parse_owner(struct listfile_cursor *at, struct dname *out)
{
    struct listfile_cursor word;
    if (!listword_any(at, &word))
        return false;
    if (word.end - word.p == 1 && *word.p == '@') {
        *out = (struct dname){.len = 1};
        return true;
    }
    return listkey_name(word, out) && out->len > 1;
}

enum err
listrecord_parse(const struct listfile *file, struct listfile_cursor at,
    struct listfile_entry *entry, const char **what)
{
    static const struct {
        const char *word;
        uint16_t type;
        bool (*parse)(struct listfile_cursor at, struct listfile_rr *rr, const char **what);
    } types[] = {{"a", TYPE_A, parse_a}, {"txt", TYPE_TXT, parse_txt}, {"mx", TYPE_MX, parse_mx}};
    uint32_t ttl_s = 0;
    size_t i = 0;
    *what = bad_record;
    *entry = (struct listfile_entry){.exact = true};
    if (!parse_owner(&at, &entry->name))
        return ERR_SYNTAX;
    if (listfile_digit(&at) && (!listword_time(&at, &ttl_s) || ttl_s > LISTFILE_TTL_MAX)) {
        *what = bad_ttl;
        return ERR_SYNTAX;
    }
    (void)listword_is(&at, "in");
    while (i < sizeof types / sizeof *types && !listword_is(&at, types[i].word))
        i++;
    if (i == sizeof types / sizeof *types)
        return ERR_SYNTAX;
    *what = NULL;
    (void)be_put(be_put(entry->rr.b, types[i].type, 2),
        ttl_s != 0 ? listfile_ttl(file, ttl_s) : file->ttl_s, 4);
    if (types[i].parse(at, &entry->rr, what))
        return ERR_OK;
    *what = bad_record;
    return ERR_SYNTAX;
}

enum err
listrecord_decode(struct slice bytes, struct recordset_rr *out)
{
    const uint8_t *in = bytes.p;
    struct dname name;
    size_t n = bytes.n;
    if (n < HEAD + 1 || n > LISTFILE_RR_MAX)
        return ERR_FORMAT;
    *out = (struct recordset_rr){
        (uint16_t)be_get(in, 2), (uint32_t)be_get(in + 2, 4), slice_of(in + HEAD, n - HEAD)};
    bool good = (out->type == TYPE_A && out->rdata.n == 4) ||
                (out->type == TYPE_TXT && out->rdata.n == in[HEAD] + 1U) ||
                (out->type == TYPE_MX && out->rdata.n > 2 &&
                    dname_from_wire(in + HEAD + 2, out->rdata.n - 2, &name) == ERR_OK &&
                    name.len == out->rdata.n - 2);
    return good ? ERR_OK : ERR_FORMAT;
}
