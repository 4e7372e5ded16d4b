/* Compressed and plain files: whole, cut at every byte, with bits turned, in parts of any size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "loader/unpack.h"

enum { TEXT_SIZE = 5000, PACKED_MAX = 3 * TEXT_SIZE };

static const char cut_short[] = "the compressed data is cut short";

static uint8_t text[TEXT_SIZE];

static void
make_text(void)
{
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof text; i++) {
        seed = seed * 1664525U + 1013904223U;
        text[i] = (uint8_t)("0123456789.\n"[(seed >> 24) % 12]);
    }
}

static size_t
pack_gzip(const uint8_t *from, size_t n, uint8_t *out)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)from,
        .avail_in = (uInt)n,
        .next_out = out,
        .avail_out = PACKED_MAX};
    assert_int_equal(
        deflateInit2(&z, 6, Z_DEFLATED, 15 + 16 /* gzip */, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(deflateEnd(&z), Z_OK);
    return z.total_out;
}

static size_t
pack_zstd(const uint8_t *from, size_t n, uint8_t *out)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    assert_non_null(context);
    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)));
    size_t size = ZSTD_compress2(context, out, PACKED_MAX, from, n);
    assert_false(ZSTD_isError(size));
    (void)ZSTD_freeCCtx(context);
    return size;
}

typedef size_t (*pack_fn)(const uint8_t *from, size_t n, uint8_t *out);
static const pack_fn packs[] = {pack_gzip, pack_zstd};
enum { PACKS = sizeof packs / sizeof *packs };

/* What is read of the bytes as a file, so many at a time, into out; *why is NULL if all went well.
 */
static size_t
unpack(const uint8_t *bytes, size_t n, size_t step, uint8_t out[PACKED_MAX], const char **why)
{
    struct unpack *in;
    size_t total = 0, got;
    int fd = memfd_create("packed", MFD_CLOEXEC);
    enum err err;
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, n, 0), n);
    assert_int_equal(unpack_open(fd, &in), ERR_OK);
    *why = NULL;
    while ((err = unpack_read(in, out + total, step, &got, why)) == ERR_OK && got > 0) {
        total += got;
        assert_true(total + step <= PACKED_MAX);
    }
    assert_int_equal(err < 0, *why != NULL);
    unpack_close(&in);
    assert_null(in);
    assert_int_equal(close(fd), 0);
    return total;
}

static void
assert_text(const uint8_t *bytes, size_t n)
{
    static const size_t steps[] = {1, 7, 4096, TEXT_SIZE, 2 * TEXT_SIZE};
    static uint8_t out[PACKED_MAX];
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        const char *why;
        assert_int_equal(unpack(bytes, n, steps[i], out, &why), sizeof text);
        assert_null(why);
        assert_memory_equal(out, text, sizeof text);
    }
}

static void
test_whole(void **state)
{
    static uint8_t packed[PACKED_MAX];
    (void)state;
    assert_text(text, sizeof text);
    for (size_t i = 0; i < PACKS; i++)
        assert_text(packed, packs[i](text, sizeof text, packed));
}

/* One after the other, with an empty one between; zstd also has frames that are passed over. */
static void
test_concatenated(void **state)
{
    static const uint8_t skipped[] = {0x5e, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c'};
    static uint8_t packed[2 * PACKED_MAX];
    (void)state;
    for (size_t i = 0; i < PACKS; i++) {
        size_t n = 0;
        if (packs[i] == pack_zstd) {
            memcpy(packed, skipped, sizeof skipped);
            n = sizeof skipped;
        }
        n += packs[i](text, 2000, packed + n);
        n += packs[i](text, 0, packed + n);
        n += packs[i](text + 2000, sizeof text - 2000, packed + n);
        assert_text(packed, n);
    }
}

/* Fewer bytes than say what it is are a plain file. */
static void
test_cut(void **state)
{
    static const size_t told_by[PACKS] = {2, 4};
    static uint8_t packed[PACKED_MAX], out[PACKED_MAX];
    (void)state;
    for (size_t i = 0; i < PACKS; i++) {
        size_t n = packs[i](text, sizeof text, packed);
        for (size_t cut = told_by[i]; cut < n; cut++) {
            const char *why;
            size_t got = unpack(packed, cut, 512, out, &why);
            assert_non_null(why);
            assert_string_equal(why, cut_short);
            assert_memory_equal(out, text, got);
        }
        /* The second of two. */
        size_t both = n + packs[i](text, 100, packed + n);
        const char *why;
        (void)unpack(packed, both - 1, 512, out, &why);
        assert_non_null(why);
        assert_string_equal(why, cut_short);
    }
}

/* Both have a checksum. */
static void
test_turned(void **state)
{
    static uint8_t packed[PACKED_MAX], out[PACKED_MAX];
    (void)state;
    for (size_t i = 0; i < PACKS; i++) {
        size_t n = packs[i](text, sizeof text, packed);
        for (size_t at = 20; at < n; at += 3) {
            const char *why;
            packed[at] ^= 0x10;
            size_t got = unpack(packed, n, 512, out, &why);
            assert_true(why != NULL || (got == sizeof text && memcmp(out, text, got) == 0));
            packed[at] ^= 0x10;
        }
    }
}

/* More than 128 MiB to look back into is not given. */
static void
test_window(void **state)
{
    static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0, (31 - 10) << 3, 1, 0, 0};
    static uint8_t out[PACKED_MAX];
    const char *why;
    (void)state;
    assert_int_equal(unpack(frame, sizeof frame, 512, out, &why), 0);
    assert_non_null(why);
    assert_non_null(strstr(why, "memory"));
}

/* Nothing but what was compressed may follow. */
static void
test_followed(void **state)
{
    static uint8_t packed[PACKED_MAX], out[PACKED_MAX];
    const char *why;
    (void)state;
    size_t n = pack_zstd(text, sizeof text, packed);
    memcpy(packed + n, "1.2.3.4\n", 8);
    (void)unpack(packed, n + 8, 512, out, &why);
    assert_non_null(why);
    assert_string_equal(why, "the compressed data is damaged");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_concatenated),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_turned),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_followed),
    };
    make_text();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
