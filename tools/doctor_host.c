/* What the machine has for repdns: files, owners, room, and who runs the loader; see doctor.h. */
#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "tools/doctor.h"

enum { CRONTAB_MOST = 65536, FREE_LEAST_MIB = 64, FREE_LOW_PERCENT = 5 };

void
doctor_configuration(struct doctor *doctor)
{
    const struct conf *conf = doctor->conf;
    const char *at = conf->warnings;
    doctor_say(
        doctor, DOCTOR_OK, "", "%s: read, %u zones answer", conf->path, conf_enabled_zones(conf));
    for (struct slice line; (line = conf_next_warning(&at)).n > 0;)
        doctor_say(doctor, DOCTOR_WARN, "", "%.*s", (int)line.n, (const char *)line.p);
    if (conf->own_network_count == 0)
        doctor_say(doctor, DOCTOR_FAIL, "name your networks in own_networks",
            "there are no own networks, so your own users' mail is judged");
    if (conf->log_count == 0 && conf->mailstore_count == 0)
        doctor_say(doctor, DOCTOR_WARN, "name the mail log in a section log",
            "neither log nor mail store is read: only lists are served");
}

/* Whether the server, by user or group, may do what the bits of the owner, group and others say. */
static bool
server_may(const struct stat *st, uid_t uid, gid_t gid, mode_t owner, mode_t group, mode_t others)
{
    if (st->st_uid == uid)
        return (st->st_mode & owner) == owner;
    return st->st_gid == gid ? (st->st_mode & group) == group : (st->st_mode & others) == others;
}

static void
examine_file(struct doctor *doctor, const char *path, const struct stat *dir, uid_t uid, gid_t gid,
    bool served)
{
    char lock[4096];
    struct stat st;
    if (stat(path, &st) != 0)
        return;
    if (st.st_uid != dir->st_uid)
        doctor_say(doctor, DOCTOR_FAIL,
            "give it to the folder's owner with chown, and run repdns-load as that user only",
            "%s belongs to another user than its folder, so a run of the loader can't write it",
            path);
    if ((st.st_mode & S_IWOTH) != 0)
        doctor_say(doctor, DOCTOR_FAIL, "run chmod o-w on it", "everybody may write to %s", path);
    if (served && !server_may(&st, uid, gid, S_IRUSR, S_IRGRP, S_IROTH))
        doctor_say(doctor, DOCTOR_FAIL,
            "run chgrp with the group of the configuration, and chmod 640",
            "repdnsd may not read %s", path);
    int n = snprintf(lock, sizeof lock, "%s-lock", path);
    if (served && n > 0 && (size_t)n < sizeof lock && stat(lock, &st) == 0 &&
        !server_may(&st, uid, gid, S_IRUSR | S_IWUSR, S_IRGRP | S_IWGRP, S_IROTH | S_IWOTH))
        doctor_say(doctor, DOCTOR_FAIL,
            "run chgrp with the group of the configuration, and chmod 660",
            "repdnsd may not write %s, where each reader has a slot", lock);
}

void
doctor_privileges(struct doctor *doctor)
{
    const struct conf *conf = doctor->conf;
    unsigned before = doctor->found[DOCTOR_FAIL];
    struct stat dir;
    const struct passwd *user = getpwnam(conf->user);
    const struct group *group = getgrnam(conf->group);
    if (user == NULL || group == NULL) {
        doctor_say(doctor, DOCTOR_FAIL, "create them, or set user and group",
            "user \"%s\" or group \"%s\" is not known on this machine", conf->user, conf->group);
        return;
    }
    if (stat(conf->state_dir, &dir) != 0) {
        doctor_say(doctor, DOCTOR_FAIL,
            "create it, owned by the loader's user, and run repdns-load", "%s: %s", conf->state_dir,
            strerror(errno));
        return;
    }
    if ((dir.st_mode & S_IWOTH) != 0)
        doctor_say(doctor, DOCTOR_FAIL, "run chmod o-w on it",
            "everybody may write to %s, and so replace what is served", conf->state_dir);
    if (!server_may(&dir, user->pw_uid, group->gr_gid, S_IXUSR, S_IXGRP, S_IXOTH))
        doctor_say(doctor, DOCTOR_FAIL,
            "run chgrp with the group of the configuration, and chmod g+x",
            "repdnsd may not enter %s", conf->state_dir);
    examine_file(doctor, conf->answers_path, &dir, user->pw_uid, group->gr_gid, true);
    examine_file(doctor, conf->history_path, &dir, user->pw_uid, group->gr_gid, false);
    examine_file(doctor, conf->lists_path, &dir, user->pw_uid, group->gr_gid, false);
    if (doctor->found[DOCTOR_FAIL] == before)
        doctor_say(doctor, DOCTOR_OK, "", "%s: owners and modes are right", conf->state_dir);
}

void
doctor_disk(struct doctor *doctor)
{
    static const char advice[] = "free some space, or move state_dir";
    const char *dir = doctor->conf->state_dir;
    struct statvfs fs;
    if (statvfs(dir, &fs) != 0)
        return; /* privileges has said that it is not there */
    uint64_t mib = (uint64_t)fs.f_bavail * fs.f_frsize / 1024 / 1024;
    uint64_t percent = fs.f_blocks > 0 ? (uint64_t)fs.f_bavail * 100 / fs.f_blocks : 100;
    bool low = percent < FREE_LOW_PERCENT;
    struct stat st;
    uint64_t store =
        stat(doctor->conf->answers_path, &st) == 0 ? (uint64_t)st.st_blocks * 512 / 1024 / 1024 : 0;
    /* A publish writes new pages beside the old ones. */
    if (mib < FREE_LEAST_MIB || mib < store)
        doctor_say(doctor, DOCTOR_FAIL, advice, "%s: %llu MiB free", dir, (unsigned long long)mib);
    else
        doctor_say(doctor, low ? DOCTOR_WARN : DOCTOR_OK, low ? advice : "",
            "%s: %llu MiB free, %llu per cent", dir, (unsigned long long)mib,
            (unsigned long long)percent);
    if (fs.f_files > 0 && fs.f_favail == 0)
        doctor_say(doctor, DOCTOR_FAIL, advice, "%s: no more files can be made", dir);
}

/* A line that is no comment has the loader's name. */
static bool
runs_loader(const char *path)
{
    char text[CRONTAB_MOST];
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t n = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[n] = '\0';
    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        const char *found = strstr(line, "repdns-load");
        if (*line != '#' && found != NULL && found < line + length)
            return true;
        line += length + (line[length] == '\n');
    }
    return false;
}

void
doctor_schedule(struct doctor *doctor)
{
    static const char *const patterns[] = {"/etc/crontab", "/etc/cron.d/*", "/etc/cron.hourly/*",
        "/etc/cron.daily/*", "/var/spool/cron/crontabs/*", "/etc/systemd/system/*.service",
        "/lib/systemd/system/repdns*.service"};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        glob_t found;
        int rc = glob(patterns[i], 0, NULL, &found);
        for (size_t k = 0; rc == 0 && k < found.gl_pathc; k++)
            if (runs_loader(found.gl_pathv[k])) {
                doctor_say(doctor, DOCTOR_OK, "", "%s runs repdns-load", found.gl_pathv[k]);
                globfree(&found);
                return;
            }
        if (rc == 0)
            globfree(&found);
    }
    doctor_say(doctor, DOCTOR_WARN,
        "put a line into /etc/cron.d/repdns: */10 * * * * repdns repdns-load -q run",
        "no crontab and no service that could be read runs repdns-load");
}
