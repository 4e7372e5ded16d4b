/* What a worker notes for dnstap; see dnstap.h. */
#include "server/dnstap.h"

#include <string.h>
#include <time.h>

#include "server/query.h"
#include "server/querylog.h"

/* The key of a keyed zone, in the copy of a message. */
static void
hide_key(uint8_t *message, size_t n, const struct answer_note *note)
{
    size_t at = QUERY_HEADER_SIZE + note->key_at + 1U;
    if (note->key_n > 0 && at + note->key_n <= n)
        memset(message + at, 'x', note->key_n);
}

static void
add(struct dnstap_record *record, size_t *at, const void *bytes, size_t n)
{
    memcpy(record->bytes + *at, bytes, n);
    *at += n;
}

bool
dnstap_take(struct dnstap *tap, const struct request *request, const struct answer_note *note,
    const uint8_t *reply, size_t n)
{
    struct dnstap_record record;
    struct timespec now;
    size_t at = 0;
    if (++tap->passed < tap->sample)
        return true;
    tap->passed = 0;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    unsigned bits = ip_is4(&request->client) ? QUERYLOG_BITS4 : QUERYLOG_BITS6;
    record.time_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    record.client = tap->full ? request->client : prefix_of(&request->client, bits).addr;
    record.port = tap->full ? request->port : 0;
    record.tcp = request->tcp;
    record.zone_n = note->zone == NULL ? 0 : note->zone->apex.len;
    record.query_n = request->len > DNSTAP_QUERY_MAX ? 0 : (uint16_t)request->len;
    record.reply_n = n > DNSTAP_REPLY_MAX ? 0 : (uint16_t)n;
    if (record.zone_n > 0)
        add(&record, &at, note->zone->apex.b, record.zone_n);
    add(&record, &at, request->packet, record.query_n);
    hide_key(record.bytes + record.zone_n, record.query_n, note);
    add(&record, &at, reply, record.reply_n);
    hide_key(record.bytes + record.zone_n + record.query_n, record.reply_n, note);
    return logring_put(tap->ring, &record, offsetof(struct dnstap_record, bytes) + at);
}
