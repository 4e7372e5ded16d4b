/* What is served, and until when; see doctor.h. */
#include <string.h>

#include "loader/status.h"
#include "tools/doctor.h"
#include "zones/kv.h"
#include "zones/store.h"

enum { CLOCK_SLACK_S = 120 };

static void
on_store(void *ctx, const char *path, enum err err, const char *why)
{
    struct doctor *doctor = ctx;
    if (err == ERR_NOTFOUND)
        doctor_say(doctor, DOCTOR_FAIL, "run repdns-load run as the loader's user",
            "%s: not there yet, so there is nothing to serve or judge by", path);
    else if (err < 0)
        doctor_say(doctor, DOCTOR_FAIL, "", "%s", why);
    else
        doctor_say(doctor, DOCTOR_OK, "", "%s: good", path);
}

void
doctor_stores(struct doctor *doctor)
{
    check_each_store(doctor->conf, on_store, doctor);
}

/* The last whole run, and whether the clock has gone back since. */
static void
examine_beat(struct doctor *doctor, int64_t beat_s)
{
    char when[STATUS_TIME_SIZE];
    int64_t age_s = doctor->now_s - beat_s, most_s = doctor->conf->policy.max_age_s;
    status_time(beat_s, when);
    if (beat_s == 0)
        doctor_say(doctor, DOCTOR_FAIL, "run repdns-load run", "no run was ever finished");
    else if (age_s < -CLOCK_SLACK_S)
        doctor_say(doctor, DOCTOR_FAIL,
            "correct the clock and keep it with NTP; then run repdns-load run",
            "the last run, of %s, is in the future: the clock is wrong, or was", when);
    else if (age_s >= most_s)
        doctor_say(doctor, DOCTOR_FAIL,
            "see the loader's output, and the check schedule; run repdns-load run by hand",
            "the last whole run was %s: verdicts are not served any more", when);
    else if (age_s > most_s / 2)
        doctor_say(doctor, DOCTOR_WARN,
            "see the loader's output, and the check schedule; run repdns-load run by hand",
            "the last whole run was %s: half of max_age is over", when);
    else
        doctor_say(doctor, DOCTOR_OK, "", "the last whole run was %s", when);
}

static enum err
examine_datasets(struct doctor *doctor, struct kv_txn *txn, int64_t beat_s)
{
    const uint8_t table = STORE_CATALOG;
    struct kv_cursor *cursor;
    struct slice key, value;
    struct dataset dataset;
    enum err err = kv_cursor_open(txn, slice_of(&table, 1), &cursor);
    if (err < 0)
        return err;
    while ((err = kv_cursor_next(cursor, &key, &value)) == ERR_OK &&
           (err = dataset_decode(key, value, &dataset)) == ERR_OK) {
        /* What judging made has the age of the run, which was said. */
        if (dataset.expires_s != 0 && dataset_expired(&dataset, beat_s, doctor->now_s))
            doctor_say(doctor, DOCTOR_FAIL, "see where its files come from",
                "list %s is past its time and not served", dataset.name);
        else if (dataset.expires_s != 0 && dataset.expires_s - doctor->now_s < 86400)
            doctor_say(doctor, DOCTOR_WARN, "see where its files come from",
                "list %s is served for less than a day", dataset.name);
    }
    kv_cursor_close(&cursor);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* A list that never came into the store is missed by nobody else. */
static void
examine_lists(struct doctor *doctor, struct kv_txn *txn)
{
    for (unsigned i = 0; i < doctor->conf->list_count; i++) {
        const struct list_source *list = &doctor->conf->lists[i];
        struct store_key key;
        struct slice value;
        store_key_dataset(&key, list->name);
        if (list->role == LIST_BLOCK && kv_get(txn, store_key_slice(&key), &value) == ERR_NOTFOUND)
            doctor_say(doctor, DOCTOR_FAIL, "run repdns-load import, and publish",
                "list %s was never published", list->name);
    }
}

void
doctor_age(struct doctor *doctor)
{
    const struct conf *conf = doctor->conf;
    struct kv *kv = NULL;
    struct kv_txn *txn = NULL;
    struct store_key key;
    struct slice value;
    struct errmsg msg;
    int64_t beat_s = 0;
    enum err err = kv_open(conf->answers_path, &(struct kv_options){.read_only = true}, &kv, &msg);
    if (err == ERR_OK)
        err = kv_begin(kv, false, &txn, &msg);
    if (err == ERR_OK) {
        store_key_beat(&key);
        if (kv_get(txn, store_key_slice(&key), &value) == ERR_OK &&
            store_beat_decode(value, &beat_s) < 0)
            beat_s = 0;
        examine_beat(doctor, beat_s);
        examine_lists(doctor, txn);
        if (examine_datasets(doctor, txn, beat_s) < 0)
            doctor_say(doctor, DOCTOR_FAIL, "delete it and run repdns-load", "%s: damaged",
                conf->answers_path);
    }
    kv_abort(&txn);
    kv_close(&kv);
}
