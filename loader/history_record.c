/* Records of history.mdb as bytes. See history_record.h. */
#include "loader/history_record.h"

#include <string.h>

enum use_flag { USE_NULL_SENDER = 1, USE_HAS_SPF = 2, USE_SENDER_TOO = 4, USE_FOLDED = 8 };

void
history_put_u64(struct wire_out *out, uint64_t v)
{
    wire_put_u32(out, (uint32_t)(v >> 32));
    wire_put_u32(out, (uint32_t)v);
}

uint64_t
history_get_u64(struct wire_in *in)
{
    uint64_t high = wire_get_u32(in);

    return high << 32 | wire_get_u32(in);
}

void
history_put_time(struct wire_out *out, int64_t v)
{
    history_put_u64(out, (uint64_t)v);
}

int64_t
history_get_time(struct wire_in *in)
{
    return (int64_t)history_get_u64(in);
}

void
history_put_weight(struct wire_out *out, const struct hist_weight *weight)
{
    wire_put_u32(out, (uint32_t)weight->day);
    wire_put_u32(out, weight->weight);
}

struct hist_weight
history_get_weight(struct wire_in *in)
{
    int32_t day = (int32_t)wire_get_u32(in);

    return (struct hist_weight){.day = day, .weight = wire_get_u32(in)};
}

void
history_put_weights(struct wire_out *out, const struct hist_weight *weights, unsigned count)
{
    unsigned bits = 0;

    for (unsigned i = 0; i < count; i++)
        bits |= (weights[i].weight != 0 ? 1U : 0U) << i;
    wire_put_u8(out, (uint8_t)bits);
    for (unsigned i = 0; i < count; i++)
        if (weights[i].weight != 0)
            history_put_weight(out, &weights[i]);
}

void
history_get_weights(struct wire_in *in, struct hist_weight *weights, unsigned count)
{
    unsigned bits = wire_get_u8(in);

    for (unsigned i = 0; i < count; i++)
        weights[i] =
            (bits >> i & 1) != 0 ? history_get_weight(in) : (struct hist_weight){.weight = 0};
    in->failed = in->failed || bits >> count != 0;
}

size_t
history_address_key(
    enum history_table table, const struct ip *ip, uint8_t out[HISTORY_ADDRESS_KEY_MAX])
{
    size_t n = ip_key(ip, out + 2);

    out[0] = (uint8_t)table;
    out[1] = (uint8_t)n;
    return n + 2;
}

struct slice
history_encode_client(const struct hist_client *client, uint8_t room[HISTORY_CLIENT_SIZE])
{
    struct wire_out out = wire_out_of(room, HISTORY_CLIENT_SIZE);

    history_put_time(&out, client->first_s);
    history_put_time(&out, client->last_s);
    wire_put_u32(&out, client->sessions);
    wire_put_u32(&out, client->accepted);
    wire_put_u32(&out, client->with_helo);
    wire_put_u32(&out, client->ham);
    wire_put_u32(&out, client->spam);
    wire_put_u32(&out, client->days);
    wire_put_u32(&out, client->helos);
    wire_put_u32(&out, client->pairs);
    for (unsigned i = 0; i < HIST_CLASSES; i++)
        history_put_weight(&out, &client->weights[i]);
    wire_put_u8(&out, (uint8_t)client->ptr_seen);
    wire_put_u8(&out, client->ptr.len);
    wire_put(&out, client->ptr.b, client->ptr.len);
    if (client->filter_spam > 0 || client->filter_ham > 0) {
        wire_put_u32(&out, (uint32_t)client->filter_day);
        wire_put_u32(&out, client->filter_spam);
        wire_put_u32(&out, client->filter_ham);
    }
    return slice_of(room, out.n);
}

/* ERR_FORMAT for a damaged record. */
enum err
history_decode_client(struct slice value, const struct ip *ip, struct hist_client *out)
{
    struct wire_in in = wire_in_of(value.p, value.n);

    *out = (struct hist_client){.ip = *ip};
    out->first_s = history_get_time(&in);
    out->last_s = history_get_time(&in);
    out->sessions = wire_get_u32(&in);
    out->accepted = wire_get_u32(&in);
    out->with_helo = wire_get_u32(&in);
    out->ham = wire_get_u32(&in);
    out->spam = wire_get_u32(&in);
    out->days = wire_get_u32(&in);
    out->helos = wire_get_u32(&in);
    out->pairs = wire_get_u32(&in);
    for (unsigned i = 0; i < HIST_CLASSES; i++)
        out->weights[i] = history_get_weight(&in);
    uint8_t ptr_seen = wire_get_u8(&in);
    uint8_t len = wire_get_u8(&in);
    if (in.failed || ptr_seen > OBS_PTR_VERIFIED || value.n - in.at < len)
        return ERR_FORMAT;
    out->ptr_seen = (enum obs_ptr)ptr_seen;
    out->ptr.len = len;
    memcpy(out->ptr.b, in.p + in.at, len);
    wire_skip(&in, len);
    if (in.at < value.n) {
        out->filter_day = (int32_t)wire_get_u32(&in);
        out->filter_spam = wire_get_u32(&in);
        /* Format 3 had one number for both. */
        out->filter_ham = in.at < value.n ? wire_get_u32(&in) : out->filter_spam;
    }
    return in.failed || in.at != value.n ? ERR_FORMAT : ERR_OK;
}

static bool
has_counts(const struct hist_spf *spf)
{
    for (unsigned i = 0; i < OBS_SPF_COUNT; i++)
        if (spf->of[i].weight != 0)
            return true;
    return false;
}

struct slice
history_encode_use(const struct hist_use *use, uint8_t room[HISTORY_USE_SIZE])
{
    struct wire_out out = wire_out_of(room, HISTORY_USE_SIZE);
    unsigned flags = (use->null_sender ? USE_NULL_SENDER : 0U) | (use->has_spf ? USE_HAS_SPF : 0U) |
                     (use->null_sender && !use->helo_only ? USE_SENDER_TOO : 0U) |
                     (use->folded > 0 ? USE_FOLDED : 0U);

    history_put_time(&out, use->first_s);
    history_put_time(&out, use->last_s);
    wire_put_u32(&out, use->count);
    history_put_weight(&out, &use->weight);
    wire_put_u8(&out, (uint8_t)flags);
    wire_put_u8(&out, use->has_spf ? (uint8_t)use->spf : 0);
    if (use->folded > 0) {
        wire_put_u32(&out, use->folded);
        history_put_weight(&out, &use->folded_weight);
    }
    if (has_counts(&use->spf_counts))
        history_put_weights(&out, use->spf_counts.of, OBS_SPF_COUNT);
    return slice_of(room, out.n);
}

enum err
history_decode_use(struct slice value, struct hist_use *out)
{
    struct wire_in in = wire_in_of(value.p, value.n);

    *out = (struct hist_use){0};
    out->first_s = history_get_time(&in);
    out->last_s = history_get_time(&in);
    out->count = wire_get_u32(&in);
    out->weight = history_get_weight(&in);
    uint8_t flags = wire_get_u8(&in), spf = wire_get_u8(&in);
    out->null_sender = (flags & USE_NULL_SENDER) != 0;
    out->helo_only = out->null_sender && (flags & USE_SENDER_TOO) == 0;
    out->has_spf = (flags & USE_HAS_SPF) != 0;
    out->spf = (enum reason)spf;
    if ((flags & USE_FOLDED) != 0) {
        out->folded = wire_get_u32(&in);
        out->folded_weight = history_get_weight(&in);
    }
    if (in.at < value.n)
        history_get_weights(&in, out->spf_counts.of, OBS_SPF_COUNT);
    return in.failed || in.at != value.n || spf >= REASON_COUNT ? ERR_FORMAT : ERR_OK;
}

struct slice
history_meta_key(const char *name, uint8_t room[32])
{
    size_t n = strlen(name);

    room[0] = HISTORY_META;
    memcpy(room + 1, name, n);
    return slice_of(room, n + 1);
}

enum err
history_totals(struct kv_txn *txn, struct hist_totals *out)
{
    uint8_t room[32];
    struct slice value;
    enum err err = kv_get(txn, history_meta_key("totals", room), &value);

    *out = (struct hist_totals){0};
    if (err == ERR_NOTFOUND)
        return ERR_OK;
    if (err < 0)
        return err;
    struct wire_in in = wire_in_of(value.p, value.n);
    out->sessions = history_get_u64(&in);
    out->accepted = history_get_u64(&in);
    out->accepted_with_helo = history_get_u64(&in);
    out->first_s = history_get_time(&in);
    out->last_s = history_get_time(&in);
    out->days = wire_get_u32(&in);
    out->clients = history_get_u64(&in);
    out->domains = history_get_u64(&in);
    return in.failed ? ERR_FORMAT : ERR_OK;
}

void
history_write_totals(struct kv_txn *txn, const struct hist_totals *totals)
{
    uint8_t key[32], room[HISTORY_TOTALS_SIZE];
    struct wire_out out = wire_out_of(room, sizeof room);

    history_put_u64(&out, totals->sessions);
    history_put_u64(&out, totals->accepted);
    history_put_u64(&out, totals->accepted_with_helo);
    history_put_time(&out, totals->first_s);
    history_put_time(&out, totals->last_s);
    wire_put_u32(&out, totals->days);
    history_put_u64(&out, totals->clients);
    history_put_u64(&out, totals->domains);
    (void)kv_put(txn, history_meta_key("totals", key), slice_of(room, out.n));
}
