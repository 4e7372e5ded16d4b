/* Making a gate; see gate.h. */
#include <stdlib.h>

#include "server/gate.h"

enum err
gate_common_init(
    struct gate_common *out, const struct conf *conf, int64_t now_s, struct errmsg *msg)
{
    *out = (struct gate_common){.quotas = {.slots = NULL}};
    enum err err = cookie_make_secret(&out->secret, msg);
    if (err == ERR_OK)
        err = quota_table_map(&out->quotas, msg);
    if (err == ERR_OK && conf->keys.path != NULL)
        quota_table_load(&out->quotas, conf->keys.state_path, now_s);
    return err;
}

void
gate_common_free(struct gate_common *common)
{
    quota_table_unmap(&common->quotas);
}

static enum err
make_cookies(struct gate *gate, const struct gate_common *common, struct errmsg *msg)
{
    const struct cookie_conf *conf = &gate->conf->cookies;
    if (!conf->enabled)
        return ERR_OK;
    if (conf->path != NULL)
        return cookie_read(conf->path, &gate->cookies, msg);
    gate->cookies = (struct cookie_secrets){.count = 1, .keys = {common->secret}};
    return ERR_OK;
}

static enum err
make_keys(struct gate *gate, struct gate_common *common, struct errmsg *msg)
{
    const struct keys_conf *conf = &gate->conf->keys;
    if (conf->path == NULL)
        return ERR_OK;
    gate->quotas = common->quotas.slots;
    gate->shares = calloc(KEYS_MAX, sizeof *gate->shares);
    if (gate->shares == NULL)
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    enum err err = keys_read(conf->path, &gate->keys, msg);
    return err < 0 ? err : quota_table_adopt(&common->quotas, &gate->keys, msg);
}

enum err
gate_new(const struct conf *conf, struct gate_common *common, struct gate **out, struct errmsg *msg)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    (*out)->conf = conf;
    enum err err = make_cookies(*out, common, msg);
    if (err == ERR_OK)
        err = make_keys(*out, common, msg);
    if (err == ERR_OK)
        err = rrl_map(&conf->rate, &(*out)->rrl, msg);
    if (err < 0)
        gate_free(out);
    return err;
}

void
gate_free(struct gate **gate)
{
    if (*gate == NULL)
        return;
    rrl_unmap(&(*gate)->rrl);
    keys_free(&(*gate)->keys);
    free((*gate)->shares);
    explicit_bzero(*gate, sizeof **gate);
    free(*gate);
    *gate = NULL;
}

enum err
gate_check(const struct conf *conf, struct errmsg *msg)
{
    struct cookie_secrets secrets;
    struct keyring ring = {0};
    enum err err = ERR_OK;
    if (conf->cookies.enabled && conf->cookies.path != NULL)
        err = cookie_read(conf->cookies.path, &secrets, msg);
    if (err == ERR_OK && conf->keys.path != NULL)
        err = keys_read(conf->keys.path, &ring, msg);
    keys_free(&ring);
    explicit_bzero(&secrets, sizeof secrets);
    return err;
}
