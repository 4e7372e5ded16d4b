/* An export of the journal from anywhere: each entry is one line of a bounded length. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "loader/src_journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
    if (!holds)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[64];
    static int fd = -1;
    struct logfile what;
    struct logread *reader;
    struct journal *journal;
    struct errmsg msg;
    struct text line;
    size_t count = 0;

    if (fd < 0) {
        fd = memfd_create("export", MFD_CLOEXEC);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    must(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    must(logfile_look(path, &what, &msg) == ERR_OK);
    must(logread_open(path, &what, 0, &reader, &msg) == ERR_OK);
    must(journal_new(&journal) == ERR_OK);
    for (; journal_line(journal, reader, (struct text){"", 0}, &line); count++)
        must(line.n > 0 && line.n < (size_t)2 * LOGREAD_LINE_MAX && line.p[line.n] == '\0');
    must(what.compressed || count <= size);
    journal_free(&journal);
    logread_close(&reader);
    return 0;
}
