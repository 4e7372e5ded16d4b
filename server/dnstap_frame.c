/* Frames of dnstap; see dnstap.h. Of the process for dnstap, who believes no record. */
#include <string.h>

#include "dnstap.pb-c.h"
#include "server/dnstap.h"

enum { AUTH_QUERY = 1, AUTH_RESPONSE = 2, TYPE_MESSAGE = 1 };

static ProtobufCBinaryData
binary(const void *bytes, size_t n)
{
    union {
        const void *from;
        void *to;
    } p = {.from = bytes}; /* protobuf-c only reads what it packs */
    return (ProtobufCBinaryData){.data = p.to, .len = n};
}

static void
set_message(Dnstap__Message *message, const struct dnstap_record *record, bool response)
{
    const bool v4 = ip_is4(&record->client);
    const uint8_t *query = record->bytes + record->zone_n, *reply = query + record->query_n;
    uint64_t time_s = (uint64_t)(record->time_ns / 1000000000);
    uint32_t ns = (uint32_t)(record->time_ns % 1000000000);
    message->type = response ? AUTH_RESPONSE : AUTH_QUERY;
    message->has_socket_family = message->has_socket_protocol = true;
    message->socket_family = v4 ? 1 : 2;
    message->socket_protocol = record->tcp != 0 ? 2 : 1;
    message->has_query_address = true;
    message->query_address = binary(record->client.b + (v4 ? 12 : 0), v4 ? 4 : 16);
    message->has_query_port = record->port != 0;
    message->query_port = record->port;
    message->has_query_zone = record->zone_n > 0;
    message->query_zone = binary(record->bytes, record->zone_n);
    message->has_query_message = !response && record->query_n > 0;
    message->query_message = binary(query, record->query_n);
    message->has_response_message = response && record->reply_n > 0;
    message->response_message = binary(reply, record->reply_n);
    message->has_query_time_sec = message->has_query_time_nsec = !response;
    message->query_time_sec = time_s;
    message->query_time_nsec = ns;
    message->has_response_time_sec = message->has_response_time_nsec = response;
    message->response_time_sec = time_s;
    message->response_time_nsec = ns;
}

size_t
dnstap_frame(
    const void *bytes, size_t n, bool response, const char *identity, uint8_t out[DNSTAP_FRAME_MAX])
{
    static const char version[] = "repdnsd " REPDNS_VERSION;
    const size_t head = offsetof(struct dnstap_record, bytes);
    struct dnstap_record record;
    Dnstap__Message message = DNSTAP__MESSAGE__INIT;
    Dnstap__Dnstap frame = DNSTAP__DNSTAP__INIT;
    if (n < head || n > sizeof record)
        return 0;
    memcpy(&record, bytes, n);
    if (n != head + record.zone_n + record.query_n + record.reply_n || record.time_ns < 0)
        return 0;
    set_message(&message, &record, response);
    frame.type = TYPE_MESSAGE;
    frame.message = &message;
    frame.has_identity = identity[0] != '\0';
    frame.identity = binary(identity, strlen(identity));
    frame.has_version = true;
    frame.version = binary(version, sizeof version - 1);
    if (dnstap__dnstap__get_packed_size(&frame) > DNSTAP_FRAME_MAX)
        return 0;
    return dnstap__dnstap__pack(&frame, out);
}
