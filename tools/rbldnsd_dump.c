/* rbldnsd -d: all zones as master files; see rbldnsd.h. */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/rbldnsd.h"

/* Runs a program of ours to its end. */
static bool
run_program(const struct front *front, const char *program, char *const argv[])
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        front_exec(front, program, argv);
        _exit(1);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

static enum err
dump_zone(struct front *front, const struct front_zone *zone, struct errmsg *msg)
{
    for (unsigned i = 0; i < zone->dataset_count; i++) {
        char *const argv[] = {"rbldnsd", "-c", front->conf, "dump", "--as", "bind",
            front->zones.datasets[zone->datasets[i]].name, NULL};
        if (!run_program(front, "repdns", argv))
            return errmsg_set(msg, ERR_IO, "zone dump failed");
    }
    return ERR_OK;
}

enum err
front_dump(struct front *front, struct errmsg *msg)
{
    char *const import[] = {"rbldnsd", "-q", "-c", front->conf, "import", NULL};
    time_t now = time(NULL);
    char when[64] = "";
    struct tm local;
    if (!run_program(front, "repdns-load", import))
        return errmsg_set(msg, ERR_IO, "zone loading errors, aborting");
    if (localtime_r(&now, &local) != NULL)
        (void)strftime(when, sizeof when, "%a %b %e %H:%M:%S %Y", &local);
    printf("; zone dump made %s\n; repdns-rbldnsd version %s\n", when, REPDNS_VERSION);
    enum err err = ERR_OK;
    for (unsigned i = 0; i < front->zones.zone_count && err == ERR_OK; i++) {
        if (fflush(stdout) != 0)
            return errmsg_set(msg, ERR_IO, "standard output: %s", strerror(errno));
        err = dump_zone(front, &front->zones.zones[i], msg);
    }
    return err;
}
