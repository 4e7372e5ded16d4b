/* The limit of open files; see tcp_limit.h. */
#include "server/tcp_limit.h"

#include <sys/resource.h>

/* Files that are not connections: listening sockets, the store, the log, libev's own. */
enum { OTHER_FILES = 160 };

unsigned
tcp_limit_raise(unsigned wanted)
{
    struct rlimit limit;
    const rlim_t needed = (rlim_t)wanted + OTHER_FILES;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return wanted;
    if (limit.rlim_cur < needed) {
        const struct rlimit more = {
            .rlim_cur = needed, .rlim_max = limit.rlim_max > needed ? limit.rlim_max : needed};
        const struct rlimit most = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
        /* Beyond the hard limit only with privileges. */
        if (setrlimit(RLIMIT_NOFILE, &more) != 0)
            (void)setrlimit(RLIMIT_NOFILE, &most);
        if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
            return wanted;
    }
    if (limit.rlim_cur >= needed)
        return wanted;
    return limit.rlim_cur > 2 * OTHER_FILES ? (unsigned)limit.rlim_cur - OTHER_FILES : OTHER_FILES;
}
