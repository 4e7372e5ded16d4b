/* Lines of classify from anywhere: the parser, the patterns, and addresses spelled in names. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "loader/classify.h"
#include "loader/rdnsaddress.h"
#include "loader/rdnsneighbours.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
    if (!holds)
        abort();
}

/* Compiled once: it takes longer than thousands of lines. */
static struct rdns *
opened(void)
{
    static struct publicname *names;
    static struct rdns *rdns;
    struct errmsg msg;

    if (rdns == NULL) {
        must(publicname_open(&names, &msg) == ERR_OK);
        must(rdns_open(names, &rdns, &msg) == ERR_OK);
    }
    return rdns;
}

/* The first 16 bytes are an address, the rest a name in text form, as dname_format would write it
 * and also as it is. */
static void
check_address(const uint8_t *data, size_t size)
{
    struct ip ip, v4 = ip_from_v4((uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 |
                                  (uint32_t)data[2] << 8 | data[3]);
    char text[DNAME_TEXT_SIZE];
    struct dname name;

    memcpy(ip.b, data, sizeof ip.b);
    if (dname_parse((const char *)data + 16, size - 16, &name) != ERR_OK)
        return;
    size_t len = dname_format(&name, text);
    for (size_t host = 0; host < len; host += 1 + len / 4) {
        must(rdnsaddress_text(rdnsaddress_find(text, len, host, &v4))[0] != '\0');
        must(rdnsaddress_text(rdnsaddress_find(text, len, host, &ip))[0] != '\0');
    }
    struct rdns_named own = {&v4, &name}, other = {&ip, &name};
    struct rdns_neighbours neighbours;
    rdnsneighbours_count(&own, &other, 1, &neighbours);
    must(neighbours.alike == 0); /* the same name differs in no number */
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data, *end = at + size;

    if (size > 16)
        check_address(data, size);
    while (at < end) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((feed != NULL ? feed : end) - at);
        struct rdns_verdict verdict, again;

        must(classify_line(opened(), at, len, &verdict, NULL) == ERR_OK);
        must(verdict.class < RDNS_CLASS_COUNT && verdict.class != RDNS_CLASS_UNCONFIRMED);
        must(classify_line(opened(), at, len, &again, NULL) == ERR_OK);
        must(again.class == verdict.class && again.why == verdict.why);
        at += len + 1;
    }
    return 0;
}
