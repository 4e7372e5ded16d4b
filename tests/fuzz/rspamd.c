/* A log of rspamd's from anywhere. */
#include "tests/fuzz/log_lines.h"

#include "loader/src_rspamd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_line(struct text line)
{
    struct logline head;
    struct log_event event;

    if (logline_parse(line.p, line.n, NOW, 3600, &head) != ERR_OK)
        return;
    check_head(&head, line);
    rspamd_parse(head.text, &event);
    check_event(&event, line);
    must(event.kind == LOG_EVENT_NONE || event.mail.n > 0 || event.client.has_ip);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_log(data, size, rspamd_line, check_line);
    return 0;
}
