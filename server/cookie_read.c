/* Secrets of server cookies; see cookie.h. */
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "server/cookie.h"

enum { LINE_SIZE = 256, DIGITS = 2 * SIPHASH_KEY_SIZE };

static int
digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
key_of(const char *text, size_t n, struct siphash_key *out)
{
    for (size_t i = 0; i < DIGITS && n == DIGITS; i++) {
        int value = digit(text[i]);
        if (value < 0)
            return false;
        out->b[i / 2] = (uint8_t)(out->b[i / 2] << 4 | value);
    }
    return n == DIGITS;
}

enum err
cookie_parse(FILE *file, const char *path, struct cookie_secrets *out, struct errmsg *msg)
{
    char line[LINE_SIZE];
    *out = (struct cookie_secrets){0};
    for (unsigned number = 1; fgets(line, sizeof line, file) != NULL; number++) {
        if (strchr(line, '\n') == NULL && feof(file) == 0)
            return errmsg_set(
                msg, ERR_SYNTAX, "%s:%u: a line of more than 254 bytes; shorten it", path, number);
        const char *text = line + strspn(line, " \t\r\n");
        size_t n = strcspn(text, " \t\r\n#");
        if (n == 0)
            continue;
        if (out->count == COOKIE_SECRETS_MAX)
            return errmsg_set(msg, ERR_RANGE,
                "%s:%u: a third secret; at most the one in use and the one before it", path,
                number);
        if (!key_of(text, n, &out->keys[out->count]))
            return errmsg_set(msg, ERR_SYNTAX,
                "%s:%u: no secret; write 32 hexadecimal digits, as of openssl rand -hex 16", path,
                number);
        out->count++;
    }
    if (ferror(file) != 0)
        return errmsg_set(msg, ERR_IO, "%s: %s", path, strerror(errno));
    if (out->count == 0)
        return errmsg_set(msg, ERR_SYNTAX,
            "%s: has no secret; write 32 hexadecimal digits, as of openssl rand -hex 16", path);
    return ERR_OK;
}

enum err
cookie_read(const char *path, struct cookie_secrets *out, struct errmsg *msg)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return errmsg_set(msg, ERR_IO,
            "%s: %s; it must be readable by the user that repdnsd runs as", path, strerror(errno));
    enum err err = cookie_parse(file, path, out, msg);
    (void)fclose(file);
    return err;
}

enum err
cookie_make_secret(struct siphash_key *out, struct errmsg *msg)
{
    if (getrandom(out->b, sizeof out->b, 0) != (ssize_t)sizeof out->b)
        return errmsg_set(msg, ERR_IO, "getrandom: %s", strerror(errno));
    return ERR_OK;
}
