/* rbldnsd's zone arguments; see rbldnsd.h. */
#include <stdlib.h>
#include <string.h>

#include "tools/rbldnsd.h"
#include "zones/fnv.h"

static const char *const types[] = {
    "ip4set", "ip4tset", "ip4trie", "ip6tset", "ip6trie", "dnset", "combined", "generic", "acl"};

enum { TEXT_SIZE = 1100, LABEL_MOST = 30, SHOWN = 60 };

void
front_zones_free(struct front_zones *zones)
{
    for (unsigned i = 0; i < zones->dataset_count; i++)
        free(zones->datasets[i].files);
    for (unsigned i = 0; i < zones->zone_count; i++)
        free(zones->zones[i].datasets);
    for (unsigned i = 0; i < zones->text_count; i++)
        free(zones->texts[i]);
    free(zones->datasets);
    free(zones->zones);
    free(zones->texts);
    *zones = (struct front_zones){.acl = -1};
}

static enum err
no_memory(struct errmsg *msg)
{
    return errmsg_set(msg, ERR_NOMEM, "out of memory");
}

static const char *
type_of(const char *text, size_t n)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strlen(types[i]) == n && memcmp(types[i], text, n) == 0)
            return types[i];
    return NULL;
}

static struct front_dataset *
dataset_with(const struct front_zones *zones, const char *name)
{
    for (unsigned i = 0; i < zones->dataset_count; i++)
        if (strcmp(zones->datasets[i].name, name) == 0)
            return &zones->datasets[i];
    return NULL;
}

/* A name for people, from the type and the first file; the digest makes it the only one. */
static void
name_dataset(const struct front_zones *zones, struct front_dataset *dataset)
{
    const char *file = strrchr(dataset->files[0], '/');
    char label[LABEL_MOST + 1];
    size_t n = 0;
    uint64_t digest = fnv_add(FNV_START, dataset->spec, strlen(dataset->spec));
    file = file == NULL ? dataset->files[0] : file + 1;
    for (; *file != '\0' && n < LABEL_MOST; file++) {
        char c = *file >= 'A' && *file <= 'Z' ? (char)(*file | 0x20) : *file;
        bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("_.-", c) != NULL;
        label[n++] = good ? c : '-';
    }
    label[n] = '\0';
    do {
        (void)snprintf(dataset->name, sizeof dataset->name, "%s.%s-%08x", dataset->type, label,
            (unsigned)(digest & UINT32_MAX));
        digest++;
    } while (dataset_with(zones, dataset->name) != NULL);
}

static enum err
set_files(struct front_dataset *dataset, char *list, struct errmsg *msg)
{
    size_t most = 1;
    for (const char *p = list; *p != '\0'; p++)
        most += *p == ',' || *p == ':';
    dataset->files = calloc(most, sizeof *dataset->files);
    if (dataset->files == NULL)
        return no_memory(msg);
    for (char *file, *rest = list; (file = strsep(&rest, ",:")) != NULL;)
        if (*file != '\0')
            dataset->files[dataset->file_count++] = file;
    return dataset->file_count > 0
               ? ERR_OK
               : errmsg_set(msg, ERR_SYNTAX, "missing filenames for %s", dataset->type);
}

static enum err
add_dataset(struct front_zones *zones, const char *spec, struct errmsg *msg)
{
    const char *colon = strchr(spec, ':');
    struct front_dataset dataset = {.spec = spec};
    if (colon == NULL)
        return errmsg_set(msg, ERR_SYNTAX, "invalid zone data specification `%.60s'", spec);
    size_t n = (size_t)(colon - spec);
    dataset.type = type_of(spec, n);
    if (dataset.type == NULL)
        return errmsg_set(
            msg, ERR_SYNTAX, "unknown dataset type `%.*s'", n < SHOWN ? (int)n : SHOWN, spec);
    char *list = strdup(colon + 1);
    if (list == NULL)
        return no_memory(msg);
    zones->texts[zones->text_count++] = list;
    enum err err = set_files(&dataset, list, msg);
    if (err < 0) {
        free(dataset.files);
        return err;
    }
    name_dataset(zones, &dataset);
    zones->datasets[zones->dataset_count++] = dataset;
    return ERR_OK;
}

/* The dataset of "type:file,file", which another zone may have named with the same words. */
static enum err
find_dataset(struct front_zones *zones, const char *spec, unsigned *out, struct errmsg *msg)
{
    for (*out = 0; *out < zones->dataset_count; ++*out)
        if (strcmp(zones->datasets[*out].spec, spec) == 0)
            return ERR_OK;
    return add_dataset(zones, spec, msg);
}

/* Dots too many are passed over. */
static bool
parse_name(const char *text, size_t n, struct dname *out)
{
    char clean[TEXT_SIZE];
    size_t k = 0;
    bool escaped = false;
    for (size_t i = 0; i < n; i++) {
        bool dot = text[i] == '.' && !escaped;
        if (dot && (k == 0 || i + 1 == n || text[i + 1] == '.'))
            continue;
        if (k == sizeof clean)
            return false;
        escaped = text[i] == '\\' && !escaped;
        clean[k++] = text[i];
    }
    return dname_parse(clean, k, out) == ERR_OK;
}

static struct front_zone *
find_zone(struct front_zones *zones, const struct dname *apex, unsigned spec_count)
{
    for (unsigned i = 0; i < zones->zone_count; i++)
        if (dname_equal(&zones->zones[i].apex, apex))
            return &zones->zones[i];
    unsigned *datasets = calloc(spec_count, sizeof *datasets);
    if (datasets == NULL)
        return NULL;
    struct front_zone *zone = &zones->zones[zones->zone_count++];
    *zone = (struct front_zone){.apex = *apex, .datasets = datasets, .acl = -1};
    return zone;
}

static enum err
set_acl(struct front_zones *zones, struct front_zone *zone, unsigned dataset, struct errmsg *msg)
{
    int *acl = zone == NULL ? &zones->acl : &zone->acl;
    char name[DNAME_TEXT_SIZE];
    if (*acl >= 0 && zone == NULL)
        return errmsg_set(msg, ERR_SYNTAX, "global acl specified more than once");
    if (*acl >= 0) {
        (void)dname_format(&zone->apex, name);
        return errmsg_set(msg, ERR_SYNTAX, "repeated ACL definition for zone `%.60s'", name);
    }
    *acl = (int)dataset;
    return ERR_OK;
}

static enum err
take_spec(struct front_zones *zones, const char *spec, unsigned spec_count, struct errmsg *msg)
{
    const char *colon = strchr(spec, ':');
    struct front_zone *zone = NULL;
    struct dname apex;
    unsigned dataset;
    if (colon == NULL)
        return errmsg_set(msg, ERR_SYNTAX, "invalid zone spec `%.60s'", spec);
    size_t n = (size_t)(colon - spec);
    if (!parse_name(spec, n, &apex))
        return errmsg_set(
            msg, ERR_SYNTAX, "invalid domain name `%.*s'", n < SHOWN ? (int)n : SHOWN, spec);
    enum err err = find_dataset(zones, colon + 1, &dataset, msg);
    if (err < 0)
        return err;
    bool acl = strcmp(zones->datasets[dataset].type, "acl") == 0;
    if (apex.len <= 1 && !acl)
        return errmsg_set(msg, ERR_SYNTAX, "missing domain name in `%.60s'", spec);
    if (apex.len > 1 && (zone = find_zone(zones, &apex, spec_count)) == NULL)
        return no_memory(msg);
    if (acl)
        return set_acl(zones, zone, dataset, msg);
    for (unsigned i = 0; i < zone->dataset_count; i++)
        if (zone->datasets[i] == dataset)
            return ERR_OK;
    zone->datasets[zone->dataset_count++] = dataset;
    return ERR_OK;
}

enum err
front_zones_parse(int count, char *const *specs, struct front_zones *out, struct errmsg *msg)
{
    size_t most = (size_t)count;
    *out = (struct front_zones){.acl = -1};
    out->datasets = calloc(most, sizeof *out->datasets);
    out->zones = calloc(most, sizeof *out->zones);
    out->texts = calloc(most, sizeof *out->texts);
    enum err err =
        out->datasets == NULL || out->zones == NULL || out->texts == NULL ? no_memory(msg) : ERR_OK;
    for (int i = 0; i < count && err == ERR_OK; i++)
        err = take_spec(out, specs[i], (unsigned)count, msg);
    return err;
}
