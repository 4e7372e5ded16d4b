/*
 * The front: rbldnsd's command line in front of our loader and server. It says in a configuration
 * what the command line says, starts the loader as a child, and becomes the server.
 *
 *     options     what was asked for              rbldnsd_options.c
 *     zones       zone:type:file,...              rbldnsd_zones.c
 *     places      user, folders, sockets          rbldnsd_places.c, rbldnsd_listen.c
 *     store       where it lies, whose it is      rbldnsd_store.c
 *     writing     the configuration               rbldnsd_conf.c
 *     starting    processes                       rbldnsd_start.c, rbldnsd_dump.c
 *
 * Messages are rbldnsd's where rbldnsd has them. Paths are of three kinds: as given, inside (whole,
 * as called in the chroot) and outside (root, then inside).
 */
#ifndef TOOLS_RBLDNSD_H
#define TOOLS_RBLDNSD_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "loader/liststamp.h"
#include "zones/zoneconf.h"

enum { FRONT_BINDS_MAX = 20, FRONT_LISTEN_MAX = 64, FRONT_TTL_S = 2100, FRONT_CHECK_S = 60 };

struct front_options {
    bool foreground, quick, dump, minimal, host_bits, strict;
    bool forks, plain; /* -f, -C: nothing comes of them */
    unsigned hide_version;
    int family;
    const char *user, *root, *work, *pidfile, *log, *stats, *facility, *store; /* NULL: not given */
    uint32_t ttl_s, ttl_min_s, ttl_max_s, check_s;
    unsigned bind_count;
    const char *binds[FRONT_BINDS_MAX];
    int spec_count;
    char *const *specs;
};

enum front_end { FRONT_GO_ON, FRONT_HELP, FRONT_USAGE, FRONT_FAILED };

/* Uses getopt's state. FRONT_FAILED: msg is set, and may come after what getopt said itself. */
enum front_end front_options_parse(
    int argc, char **argv, struct front_options *out, struct errmsg *msg);
/* "90", "2h": rbldnsd's times. At most ten years, whatever is given. */
bool front_time(const char *text, size_t n, uint32_t *seconds);

/* One set of files, shared by the zones that name it with the same words. */
struct front_dataset {
    char name[DATASET_NAME_SIZE];
    const char *spec; /* type:file,file, as given */
    const char *type;
    unsigned file_count;
    const char **files; /* as given */
};
struct front_zone {
    struct dname apex;
    unsigned dataset_count;
    unsigned *datasets;
    int acl; /* a dataset, -1 for none */
};
struct front_zones {
    unsigned dataset_count, zone_count;
    struct front_dataset *datasets;
    struct front_zone *zones;
    int acl;
    unsigned text_count;
    char **texts; /* copies of the arguments, cut into pieces */
};
/* Free *out whatever is returned. */
enum err front_zones_parse(
    int count, char *const *specs, struct front_zones *out, struct errmsg *msg) MUST_CHECK;
void front_zones_free(struct front_zones *zones);

struct front {
    struct front_options options;
    struct front_zones zones;
    unsigned listen_count;
    struct endpoint listen[FRONT_LISTEN_MAX];
    bool drops; /* started as root: becomes uid and gid */
    uid_t uid;
    gid_t gid;
    char root[PATH_MAX];     /* outside; "" without chroot */
    char work[PATH_MAX];     /* inside */
    char store[PATH_MAX];    /* outside */
    char conf[PATH_MAX];     /* outside */
    bool temporary;          /* the store is removed in the end */
    int lock;                /* held as long as the store is in use */
    struct conf *loaded;     /* the configuration, as the loader sees it */
    char programs[PATH_MAX]; /* the folder of this one; "" if it is not known */
};

/* rbldnsd_listen.c: the addresses of -b, each of which can be bound. */
enum err front_listen(struct front *front, struct errmsg *msg) MUST_CHECK;

/* rbldnsd_places.c */
enum err front_user(struct front *front, struct errmsg *msg) MUST_CHECK;
enum err front_folders(struct front *front, struct errmsg *msg) MUST_CHECK;
/* The whole inside path of a file as given. False: too long. */
bool front_inside(const struct front *front, const char *given, char out[PATH_MAX]);
/* An outside path as it is called inside. A dump knows no inside: both are outside paths then. */
const char *front_strip(const struct front *front, const char *outside);

/* rbldnsd_conf.c. Only what front holds already is written; false: a path is too long. */
bool front_conf_print(const struct front *front, FILE *out);
/* Writes it into the store and reads it again, as the loader and the server will. */
enum err front_conf_write(struct front *front, struct errmsg *msg) MUST_CHECK;

/* rbldnsd_store.c: a folder that nobody else uses. */
enum err front_store_open(struct front *front, struct errmsg *msg) MUST_CHECK;
/* Whether what is published there may be served as it is. */
bool front_store_fresh(const struct front *front);
/* Forgets what was published and read there. */
void front_store_clear(const struct front *front);
/* With the folder, if it is temporary. */
void front_store_remove(const struct front *front);

/* rbldnsd_start.c. Returns only if that fails. */
enum err front_start(struct front *front, struct errmsg *msg) MUST_CHECK;
/* Becomes a program of ours, from the folder of this one or from PATH, which is to call itself
 * argv[0]. Returns if that fails, having said so. */
void front_exec(const struct front *front, const char *program, char *const argv[]);

/* rbldnsd_dump.c: -d */
enum err front_dump(struct front *front, struct errmsg *msg) MUST_CHECK;

#endif
