/* What another program prints; see command.h. */
#include "tools/command.h"

#include <stdio.h>
#include <string.h>

size_t
command_output(const char *command, char *out, size_t size)
{
    char line[256], rest[4096];
    out[0] = '\0';
    int length =
        snprintf(line, sizeof line, "PATH=/usr/sbin:/usr/bin:/sbin:/bin; %s 2>/dev/null", command);
    FILE *pipe = length < 0 || (size_t)length >= sizeof line ? NULL : popen(line, "re");
    if (pipe == NULL)
        return 0;
    size_t n = fread(out, 1, size - 1, pipe);
    /* Read to its end, so that it does not fail for a closed pipe. */
    while (fread(rest, 1, sizeof rest, pipe) > 0)
        continue;
    if (pclose(pipe) != 0)
        n = 0;
    out[n] = '\0';
    return n;
}

void
command_postconf(const char *name, char *out, size_t size)
{
    char command[128];
    int n = snprintf(command, sizeof command, "postconf -xh %s", name);
    out[0] = '\0';
    if (n > 0 && (size_t)n < sizeof command)
        (void)command_output(command, out, size);
    out[strcspn(out, "\n")] = '\0';
}
