/* $SOA and $NS; see listauthority.h. */
#include "loader/listauthority.h"

#include "loader/listkey.h"
#include "loader/listword.h"

static const char bad_soa[] =
    "not an SOA; write $SOA ttl mname rname serial refresh retry expire minttl";
static const char bad_ns[] = "not name servers; write $NS ttl name name ...";
static const char no_zone[] = "an access list is no zone's data; remove $SOA and $NS";
static const char too_many[] = "more than 32 name servers; the others are left out";

/* Where they go; NULL: nowhere, and *what says why if that is to be told. */
static struct authority *
find(const struct listfile *file, const char **what)
{
    if (list_type_info(file->type)->holds != LIST_HOLDS_CLIENTS)
        return file->authority;
    *what = no_zone;
    return NULL;
}

static bool
read_ttl(const struct listfile *file, struct listfile_cursor *at, uint32_t *out)
{
    if (!listword_time(at, out) || *out > LISTFILE_TTL_MAX)
        return false;
    *out = *out == 0 ? file->ttl_s : listfile_ttl(file, *out);
    return true;
}

enum err
listauthority_soa(struct listfile *file, struct listfile_cursor at, const char **what)
{
    struct authority *authority = find(file, what);
    struct soa soa;
    uint32_t serial;
    if (authority == NULL || authority->has_soa)
        return *what != NULL ? ERR_SYNTAX : ERR_NOTFOUND;
    if (!read_ttl(file, &at, &soa.ttl_s) || !listword_name(&at, &soa.mname) ||
        !listword_name(&at, &soa.rname) || !listword_number(&at, &serial) ||
        !listword_time(&at, &soa.refresh_s) || !listword_time(&at, &soa.retry_s) ||
        !listword_time(&at, &soa.expire_s) || !listword_time(&at, &soa.minimum_s) ||
        at.p < at.end) {
        *what = bad_soa;
        return ERR_SYNTAX;
    }
    authority->has_soa = true;
    authority->soa = soa;
    authority->serial = serial;
    return ERR_NOTFOUND;
}

enum err
listauthority_ns(struct listfile *file, struct listfile_cursor at, const char **what)
{
    struct authority *authority = find(file, what);
    uint32_t ttl_s;
    unsigned count = 0;
    if (authority == NULL || authority->ns_count > 0)
        return *what != NULL ? ERR_SYNTAX : ERR_NOTFOUND;
    bool good = read_ttl(file, &at, &ttl_s) && at.p < at.end;
    while (good && at.p < at.end) {
        struct listfile_cursor word;
        struct dname name;
        (void)listword_any(&at, &word);
        if (*word.p == '-')
            continue; /* taken out of service */
        good = listkey_name(word, &name);
        if (good && count < AUTHORITY_NS_MAX)
            authority->ns[count++] = name;
        else if (good)
            *what = too_many;
    }
    if (!good) {
        *what = bad_ns;
        return ERR_SYNTAX;
    }
    authority->ns_count = count;
    authority->ns_ttl_s = ttl_s;
    return ERR_NOTFOUND;
}
