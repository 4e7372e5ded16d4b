/* Any bytes as a query: the answer is a DNS message of the same id, or none. */
#include <stdint.h>
#include <stdlib.h>

#include "server/answer.h"
#include "server/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No store: everything up to the zone's look-up is walked, which the golden run does. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct zone_def zone = {
        .apex = {13, "\003rep\007example"}, .kind = ZONE_PAIR, .enabled = true};
    static struct conf conf = {.public = true, .zone_count = 1, .zones = &zone};
    uint8_t out[ANSWER_UDP_MAX];
    struct answer_note note;
    struct view_table *views;
    struct snapshot *snapshot;
    struct request request = {.packet = data, .len = size};
    if (view_table_new(&conf, &views) < 0 ||
        snapshot_open(views, "/nonexistent/answers.mdb", &snapshot, NULL) < 0)
        abort();
    size_t n = answer(views, snapshot, &request, 0, out, sizeof out, &note);
    if (n != 0 && (n < QUERY_HEADER_SIZE || out[0] != data[0] || (out[2] & 0x80) == 0))
        abort();
    snapshot_close(&snapshot);
    view_table_free(&views);
    return 0;
}
