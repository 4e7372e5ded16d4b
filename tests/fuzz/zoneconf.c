/*
 * Any bytes as a configuration file: it is taken, and then makes views of sane zones, or refused
 * with a message.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/snapshot.h"
#include "zones/zoneconf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE_MAX_HERE = 16384 };

static void
must(bool holds)
{
    if (!holds)
        abort();
}

static void
check(struct conf *conf)
{
    struct view_table *views;
    must(conf->zone_count > 0 && conf->listen_count > 0 && conf->udp_workers > 0);
    must(conf->protocol.udp_size >= 512 && conf->tcp.connections > 0 && conf->tcp.idle_s > 0);
    must(conf->policy.retention_days > 0 && conf->resolver_tries > 0);
    must(view_table_new(conf, &views) == ERR_OK);
    for (unsigned i = 0; i < conf->zone_count; i++) {
        const struct zone_def *zone = &conf->zones[i];
        must(view_find(views, &zone->apex, NULL) == zone);
        must(zone->ns_count > 0 && zone->dataset_count <= ZONE_DATASETS_MAX);
        (void)zone_digest(zone);
    }
    view_table_free(&views);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[64];
    static int fd = -1;
    struct errmsg msg = {""};
    struct conf *conf;
    if (size > SIZE_MAX_HERE)
        return 0;
    if (fd < 0) {
        fd = memfd_create("conf", MFD_CLOEXEC);
        must(fd >= 0);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    must(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    if (conf_load(path, &conf, &msg) == ERR_OK) {
        check(conf);
        conf_free(&conf);
        return 0;
    }
    must(conf == NULL && msg.text[0] != '\0');
    return 0;
}
