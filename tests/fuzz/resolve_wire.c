/* Any bytes as a resolver's reply. The first byte chooses the type that was asked. */
#include <stdint.h>
#include <stdlib.h>

#include "loader/resolve_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum dns_type types[] = {DNS_A, DNS_MX, DNS_PTR, DNS_TXT, DNS_AAAA};
    struct resolve_question question = {.id = 0x2a2a, .name = {13, "\003rep\007example"}};
    struct resolve_reply reply = {0};
    if (size < 1)
        return 0;
    question.type = types[data[0] % 5];
    if (resolve_wire_reply(&question, data + 1, size - 1, &reply) == REPLY_ANSWER) {
        struct dns_answer answer = {.count = reply.count, .records = reply.records};
        struct slice rdata;
        unsigned seen = 0;
        while (dns_next(&answer, &rdata) == ERR_OK)
            seen++;
        if (seen != reply.count)
            abort();
    }
    free(reply.buffer);
    return 0;
}
