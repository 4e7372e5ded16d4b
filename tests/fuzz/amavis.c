/* A log of amavis' from anywhere. */
#include "tests/fuzz/log_lines.h"

#include "loader/src_amavis.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_line(struct text line)
{
    check_filter(line, amavis_parse);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_log(data, size, amavis_line, check_line);
    return 0;
}
