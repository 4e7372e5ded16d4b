/* A file from anywhere, as a list's bytes: reading it ends, in parts of any size alike. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "loader/unpack.h"
#include "zones/fnv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEP_MAX = 4096, READ_MAX = 1 << 18 /* a few bytes can stand for many */ };

static void
must(bool holds)
{
    if (!holds)
        abort();
}

/* A sum of what is read, and how it ended. */
static uint64_t
read_all(int fd, size_t step)
{
    uint8_t out[STEP_MAX];
    struct unpack *in = NULL;
    const char *why = NULL;
    uint64_t sum = FNV_START;
    size_t got = 0, total = 0;
    enum err err;
    must(lseek(fd, 0, SEEK_SET) == 0 && unpack_open(fd, &in) == ERR_OK);
    while ((err = unpack_read(in, out, step, &got, &why)) == ERR_OK && got > 0) {
        must(got <= step);
        sum = fnv_add(sum, out, got);
        total += got;
        if (total >= READ_MAX)
            break;
    }
    must(err == ERR_OK ? why == NULL : why != NULL && got == 0);
    unpack_close(&in);
    /* What came before a failure depends on the step. */
    return err < 0 || total >= READ_MAX ? 0 : sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("packed", MFD_CLOEXEC);
    must(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    must(read_all(fd, STEP_MAX) == read_all(fd, 61));
    return 0;
}
