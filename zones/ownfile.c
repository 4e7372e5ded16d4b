/* Whose a new file is; see ownfile.h. */
#include "ownfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void
ownfile_give(const char *path)
{
    char dir[4096];
    struct stat folder, st;
    const char *slash = strrchr(path, '/');
    int n = snprintf(dir, sizeof dir, "%.*s", slash != NULL ? (int)(slash - path) + 1 : 2,
        slash != NULL ? path : "./");
    if (geteuid() != 0 || n < 0 || (size_t)n >= sizeof dir || stat(dir, &folder) != 0)
        return;
    /* Whoever has the folder could have put a link to somebody else's file there. O_PATH, since
     * closing another descriptor of a file would end LMDB's locks on it (fcntl(2)). */
    int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 && st.st_uid == 0)
        (void)!fchownat(fd, "", folder.st_uid, folder.st_gid, AT_EMPTY_PATH);
    (void)close(fd);
}
