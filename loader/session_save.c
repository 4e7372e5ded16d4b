/* Open sessions as bytes, so that a chunk's end loses nothing. See session.h. */
#include <string.h>

#include "loader/session_table.h"
#include "zones/wire.h"

enum { SAVE_VERSION = 3 };

static void
put_u64(struct wire_out *out, uint64_t v)
{
    wire_put_u32(out, (uint32_t)(v >> 32));
    wire_put_u32(out, (uint32_t)v);
}

static uint64_t
get_u64(struct wire_in *in)
{
    uint64_t high = wire_get_u32(in);

    return high << 32 | wire_get_u32(in);
}

static void
put_bytes(struct wire_out *out, const void *bytes, uint8_t n)
{
    wire_put_u8(out, n);
    wire_put(out, bytes, n);
}

static uint8_t
get_bytes(struct wire_in *in, void *out, size_t room)
{
    uint8_t n = wire_get_u8(in);

    if (in->failed || n > room || in->n - in->at < n) {
        in->failed = true;
        return 0;
    }
    memcpy(out, in->p + in->at, n);
    wire_skip(in, n);
    return n;
}

static void
save_slot(const struct slot *slot, struct wire_out *out)
{
    const struct observation *seen = &slot->seen;

    wire_put_u8(out, (uint8_t)slot->kind);
    wire_put_u8(out, slot->flags);
    put_u64(out, (uint64_t)slot->deadline_s);
    put_u64(out, slot->key);
    put_u64(out, slot->queue_key);
    wire_put_u32(out, slot->touched);
    put_bytes(out, slot->queue_id, slot->queue_id_len);
    put_u64(out, (uint64_t)seen->when_s);
    wire_put(out, seen->client.b, sizeof seen->client.b);
    wire_put_u8(out, (uint8_t)seen->sender);
    wire_put_u8(out, (uint8_t)seen->ptr_seen);
    wire_put_u8(out, (uint8_t)seen->spf);
    wire_put_u8(out, (uint8_t)seen->label);
    wire_put_u8(out, seen->by_filter);
    put_bytes(out, seen->helo.text, seen->helo.len);
    put_bytes(out, seen->sender_domain.b, seen->sender_domain.len);
    put_bytes(out, seen->ptr.b, seen->ptr.len);
}

size_t
sessions_save(const struct sessions *s, uint8_t *bytes, size_t size)
{
    struct wire_out out = wire_out_of(bytes, size);

    wire_put_u8(&out, SAVE_VERSION);
    for (ref r = s->oldest; r != 0; r = s->slots[r - 1].newer)
        save_slot(&s->slots[r - 1], &out);
    return out.n;
}

/* True when the name that was stored is one; length 0 is none. */
static bool
get_name(struct wire_in *in, struct dname *out)
{
    uint8_t room[DNAME_MAX];
    uint8_t n = get_bytes(in, room, sizeof room);

    *out = (struct dname){0};
    return n == 0 || (dname_from_wire(room, n, out) == ERR_OK && out->len == n);
}

static bool
load_slot(struct sessions *s, struct wire_in *in)
{
    struct slot got = {0};
    struct observation *seen = &got.seen;
    char id[QUEUE_ID_SIZE];
    uint8_t kind = wire_get_u8(in);

    got.flags = wire_get_u8(in);
    got.deadline_s = (int64_t)get_u64(in);
    got.key = get_u64(in);
    got.queue_key = get_u64(in);
    got.touched = wire_get_u32(in);
    uint8_t id_len = get_bytes(in, id, sizeof id);
    seen->when_s = (int64_t)get_u64(in);
    for (unsigned i = 0; i < sizeof seen->client.b; i++)
        seen->client.b[i] = wire_get_u8(in);
    uint8_t sender = wire_get_u8(in), ptr_seen = wire_get_u8(in);
    uint8_t spf = wire_get_u8(in), label = wire_get_u8(in);
    seen->by_filter = wire_get_u8(in) != 0;
    seen->helo.len = get_bytes(in, seen->helo.text, HELO_MAX);
    if (!get_name(in, &seen->sender_domain) || !get_name(in, &seen->ptr) || in->failed ||
        kind == 0 || kind >= SLOT_KIND_COUNT || sender > OBS_SENDER_BAD ||
        ptr_seen > OBS_PTR_VERIFIED || spf >= OBS_SPF_COUNT || label >= OBS_LABEL_COUNT ||
        s->count == SLOTS)
        return false;
    seen->sender = (enum obs_sender)sender;
    seen->ptr_seen = (enum obs_ptr)ptr_seen;
    seen->spf = (enum obs_spf)spf;
    seen->label = (enum obs_label)label;
    struct slot *slot = session_insert(s, (enum slot_kind)kind, got.key);
    slot->flags = got.flags;
    slot->touched = got.touched;
    slot->seen = got.seen;
    session_deadline(s, slot, got.deadline_s);
    session_link_id(s, slot, got.queue_key, (struct text){id, id_len});
    return true;
}

enum err
sessions_load(struct sessions *s, struct slice bytes)
{
    struct wire_in in = wire_in_of(bytes.p, bytes.n);
    uint32_t touch = 0;

    session_reset(s);
    bool good = wire_get_u8(&in) == SAVE_VERSION && !in.failed;
    while (good && in.at < in.n) {
        good = load_slot(s, &in);
        if (good && session_at(s, s->newest)->touched > touch)
            touch = session_at(s, s->newest)->touched;
    }
    s->touch = touch;
    if (!good)
        session_reset(s);
    return good ? ERR_OK : ERR_FORMAT;
}
