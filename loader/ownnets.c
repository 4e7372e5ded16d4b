/* The mail server's own networks; see ownnets.h. */
#include "loader/ownnets.h"

#include <stdio.h>
#include <string.h>

/* "[::1]/128" without its brackets. */
static bool
network(const char *text, size_t n, struct prefix *out)
{
    char plain[64];
    size_t used = 0;
    for (size_t i = 0; i < n; i++)
        if (text[i] != '[' && text[i] != ']') {
            if (used == sizeof plain)
                return false;
            plain[used++] = text[i];
        }
    return prefix_parse(plain, used, true, out) == ERR_OK;
}

unsigned
ownnets_parse(const char *text, struct prefix out[OWNNETS_MAX])
{
    static const char blanks[] = " \t\r\n,";
    unsigned count = 0;
    while (*text != '\0' && count < OWNNETS_MAX) {
        text += strspn(text, blanks);
        size_t n = strcspn(text, blanks);
        if (n > 0 && network(text, n, &out[count]))
            count++;
        text += n;
    }
    return count;
}

unsigned
ownnets_ask(struct prefix out[OWNNETS_MAX])
{
    char text[8192];
    FILE *postconf =
        popen("PATH=/usr/sbin:/usr/bin:/sbin:/bin postconf -h mynetworks 2>/dev/null", "re");
    if (postconf == NULL)
        return 0;
    size_t n = fread(text, 1, sizeof text - 1, postconf);
    text[n] = '\0';
    return pclose(postconf) == 0 ? ownnets_parse(text, out) : 0;
}
