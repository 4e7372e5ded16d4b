/* Any bytes as a record of the store: readers find an entry or an error, never more than is there.
 * The first byte chooses the family, the next 16 are the key and the address looked for; of IPv4
 * the first four and the four after them. They are two labels of a name too. */
#include <stdint.h>
#include <string.h>

#include "zones/authority.h"
#include "zones/be.h"
#include "zones/ipset.h"
#include "zones/nameset.h"
#include "zones/pairset.h"
#include "zones/recordset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err
see_addr(void *ctx, const struct ipset_hit *entry)
{
    (void)ctx;
    (void)entry;
    return ERR_OK;
}

static enum err
see_name(void *ctx, const struct nameset_entry *entry)
{
    (void)ctx;
    (void)entry;
    return ERR_OK;
}

static enum err
see_pair(void *ctx, const struct pairset_entry *entry)
{
    (void)ctx;
    (void)entry;
    return ERR_OK;
}

/* Of 16 bytes. */
static struct dname
name_of(const uint8_t *in)
{
    struct dname name = {.len = 1};
    for (unsigned i = 0; i < 2; i++, in += 8) {
        uint8_t n = (uint8_t)(1 + in[0] % 7);
        name.b[name.len - 1] = n;
        memcpy(name.b + name.len, in + 1, n);
        name.len = (uint8_t)(name.len + n + 1);
    }
    name.b[name.len - 1] = 0;
    return name;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { HEAD = 1 + 16 };
    uint8_t key[4 + 16] = {0};
    struct ip ip;
    struct ipset_hit hit;
    struct dataset dataset;
    struct evidence evidence;
    struct store_meta meta;
    if (size < HEAD)
        return 0;
    memcpy(key + 4, data + 1, 16);
    memcpy(ip.b, data + 1, 16);
    if (data[0] % 2 == 0)
        ip = ip_from_v4((uint32_t)be_get(data + 1 + 4, 4));
    struct slice value = slice_of(data + HEAD, size - HEAD);
    struct slice where = slice_of(key, data[0] % 2 == 0 ? 8 : 20);
    (void)!ipset_block_find(where, value, &ip, &hit);
    (void)!ipset_block_each(where, value, see_addr, NULL);
    struct dname name = name_of(data + 1);
    struct nameset_hit name_hit;
    (void)!nameset_block_find(value, &name, &name_hit);
    (void)!nameset_block_context(value, see_name, NULL);
    (void)!nameset_block_each(where, value, see_name, NULL);
    (void)!pairset_record_each(where, value, see_pair, NULL);
    (void)!dataset_decode(slice_of("Cname", 5), value, &dataset);
    (void)!evidence_decode(value, &evidence);
    (void)!store_meta_decode(value, &meta);
    struct authority authority;
    (void)!authority_decode(value, &authority);
    struct slice rrs = value;
    struct recordset_rr rr;
    while (recordset_next(&rrs, &rr) == ERR_OK)
        continue;
    struct value_element element;
    while (value_next(&value, &element) == ERR_OK)
        continue;
    return 0;
}
