/* Name sets: blocks entry by entry, for dumps and edits. See nameset.h. */
#include "nameset_internal.h"

static enum err
entry_slot(const struct nameset_reader *reader, uint32_t slot, struct nameset_slot *out)
{
    *out = (struct nameset_slot){0};
    if (slot == 0)
        return ERR_OK;
    out->kind = slot == 1 ? NAMESET_SLOT_EXCLUDED : NAMESET_SLOT_VALUE;
    return slot == 1 ? ERR_OK : nameset_slot_value(reader, slot, &out->value);
}

/* A whole entry, of the key that the reader has read. */
static enum err
give_entry(const struct nameset_reader *block, const uint8_t *key, nameset_each_fn each, void *ctx)
{
    struct nameset_entry entry;
    enum err err = dname_from_key(key, block->key_n, &entry.name);
    if (err == ERR_OK)
        err = entry_slot(block, nameset_exact_slot(block), &entry.exact);
    if (err == ERR_OK)
        err = entry_slot(block, nameset_wild_slot(block), &entry.wild);
    return err == ERR_OK ? each(ctx, &entry) : err;
}

/* Of the context or of the block itself. */
static enum err
each_entry(struct slice value, bool context, nameset_each_fn each, void *ctx)
{
    struct nameset_reader block;
    uint8_t key[DNAME_KEY_MAX];
    enum err err = nameset_reader_init(&block, value);
    for (unsigned i = 0; err == ERR_OK && i < block.context_count + block.entry_count; i++) {
        if (i == block.context_count)
            block.key_n = 0;
        err = nameset_read_entry(&block);
        if (err < 0)
            return err;
        memcpy(key + block.shared, block.rest, block.key_n - block.shared);
        if (context == (i < block.context_count))
            err = give_entry(&block, key, each, ctx);
    }
    return err;
}

enum err
nameset_block_each(struct slice key, struct slice value, nameset_each_fn each, void *ctx)
{
    (void)key;
    return each_entry(value, false, each, ctx);
}

enum err
nameset_block_context(struct slice value, nameset_each_fn each, void *ctx)
{
    return each_entry(value, true, each, ctx);
}
