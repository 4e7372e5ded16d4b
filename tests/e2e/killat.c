/*
 * A library to preload: ends the process by SIGKILL right before its Nth call that changes a file,
 * so that a test can kill inside every commit. KILL_AT=N; KILL_LOG=FILE gets the number of calls
 * when the process ends by itself.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static unsigned long calls;

static void
count(void)
{
    const char *at = getenv("KILL_AT");
    calls++;
    if (at != NULL && calls == strtoul(at, NULL, 10))
        (void)kill(getpid(), SIGKILL);
}

static void __attribute__((destructor)) report(void)
{
    const char *path = getenv("KILL_LOG");
    FILE *file = path == NULL ? NULL : fopen(path, "w");
    if (file == NULL)
        return;
    fprintf(file, "%lu\n", calls);
    (void)fclose(file);
}

/* Each hands on to the next definition of its name. */
#define PASS_ON(type, name, parameters, arguments)                                                 \
    type name parameters;                                                                          \
    type name parameters                                                                           \
    {                                                                                              \
        type(*next) parameters;                                                                    \
        *(void **)&next = dlsym(RTLD_NEXT, #name);                                                 \
        count();                                                                                   \
        return next arguments;                                                                     \
    }

PASS_ON(ssize_t, pwrite, (int fd, const void *bytes, size_t n, off_t at), (fd, bytes, n, at))
PASS_ON(ssize_t, pwrite64, (int fd, const void *bytes, size_t n, off_t at), (fd, bytes, n, at))
PASS_ON(ssize_t, writev, (int fd, const struct iovec *vec, int n), (fd, vec, n))
PASS_ON(ssize_t, pwritev, (int fd, const struct iovec *vec, int n, off_t at), (fd, vec, n, at))
PASS_ON(ssize_t, pwritev64, (int fd, const struct iovec *vec, int n, off_t at), (fd, vec, n, at))
PASS_ON(int, fdatasync, (int fd), (fd))
PASS_ON(int, fsync, (int fd), (fd))
PASS_ON(int, ftruncate, (int fd, off_t n), (fd, n))
PASS_ON(int, ftruncate64, (int fd, off_t n), (fd, n))
