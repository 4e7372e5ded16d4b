/* What a worker notes of an answer; see querylog.h. */
#include "server/querylog.h"

#include "server/query.h"

enum { ANSWERS_AT = 6, TYPE_AND_CLASS = 4, QUESTION_MAX = DNAME_MAX + TYPE_AND_CLASS };

static uint16_t
u16_at(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static struct ip
cut(const struct ip *ip)
{
    return prefix_of(ip, ip_is4(ip) ? QUERYLOG_BITS4 : QUERYLOG_BITS6).addr;
}

/* The name again, without the key. A name that grows too long by the key's id becomes the root. */
static uint8_t
hide_key(uint8_t out[DNAME_MAX], const uint8_t *name, size_t n, const struct answer_note *note)
{
    const char *id = note->key_id != NULL ? note->key_id : "-";
    size_t id_n = strlen(id), rest = note->key_at + note->key_n + 1U;
    size_t end = note->key_at + 1 + id_n + (n - rest);
    if (end > DNAME_MAX) {
        out[0] = 0;
        return 1;
    }
    out[note->key_at] = (uint8_t)id_n;
    memcpy(out + note->key_at + 1, id, id_n);
    memcpy(out + note->key_at + 1 + id_n, name + rest, n - rest);
    return (uint8_t)end;
}

bool
querylog_take(struct querylog *log, const struct request *request, const struct answer_note *note,
    const uint8_t *reply, size_t n, int64_t now_s)
{
    if (++log->passed < log->sample)
        return true;
    log->passed = 0;
    struct querylog_record record;
    const uint8_t *question = request->packet + QUERY_HEADER_SIZE;
    record.time_s = now_s;
    record.client = log->full ? request->client : cut(&request->client);
    record.answers = u16_at(reply + ANSWERS_AT);
    record.bytes = (uint16_t)n;
    record.rcode = note->rcode;
    record.flags =
        (uint8_t)((log->full ? 0 : QUERYLOG_CUT) | (request->tcp ? QUERYLOG_TCP : 0) |
                  (note->edns ? QUERYLOG_EDNS : 0) | (note->truncated ? QUERYLOG_TRUNCATED : 0) |
                  (note->listed ? QUERYLOG_LISTED : 0));
    record.name_n = 0;
    record.qtype = record.qclass = 0;
    /* The name is uncompressed: query_parse takes no other. */
    if (note->question_len > TYPE_AND_CLASS && note->question_len <= QUESTION_MAX) {
        record.name_n = (uint8_t)(note->question_len - TYPE_AND_CLASS);
        memcpy(record.name, question, record.name_n);
        record.qtype = u16_at(question + record.name_n);
        record.qclass = u16_at(question + record.name_n + 2);
        if (note->key_n > 0 && !log->keys)
            record.name_n = hide_key(record.name, question, record.name_n, note);
    }
    return logring_put(log->ring, &record, offsetof(struct querylog_record, name) + record.name_n);
}
