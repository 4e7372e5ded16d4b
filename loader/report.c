/* Reports on mails. See report.h. */
#include "loader/report.h"

#include <string.h>

#include "loader/src_maildir.h"
#include "loader/src_mime.h"
#include "zones/fnv.h"
#include "zones/wire.h"

enum { DAY_S = 86400, MAILS_MAX = 64 };

/* Keys: 'o', then 'r' and the mail's hash, or 'q' and a hash of reporter and day. A value begins as
 * that of every record that expires, with a time twice; then the label, or a count. */
enum { KEY_SIZE = 2 + 8, TIMES_SIZE = 16, VALUE_SIZE = TIMES_SIZE + 4 };

struct record {
    uint8_t key[KEY_SIZE];
    uint32_t value; /* 0: not there */
};

static struct slice
key_of(struct record *record)
{
    return slice_of(record->key, KEY_SIZE);
}

static void
read_record(struct kv_txn *txn, char kind, uint64_t hash, struct record *out)
{
    struct slice value;
    struct wire_out key = wire_out_of(out->key, KEY_SIZE);

    wire_put_u8(&key, HISTORY_POSITION);
    wire_put_u8(&key, (uint8_t)kind);
    wire_put_u32(&key, (uint32_t)(hash >> 32));
    wire_put_u32(&key, (uint32_t)hash);
    out->value = 0;
    if (kv_get(txn, key_of(out), &value) == ERR_OK && value.n == VALUE_SIZE) {
        struct wire_in in = wire_in_of((const uint8_t *)value.p + TIMES_SIZE, 4);

        out->value = wire_get_u32(&in);
    }
}

static void
write_record(struct kv_txn *txn, struct record *record, int64_t when_s)
{
    uint8_t room[VALUE_SIZE];
    struct wire_out out = wire_out_of(room, sizeof room);

    for (unsigned i = 0; i < 2; i++) {
        wire_put_u32(&out, (uint32_t)((uint64_t)when_s >> 32));
        wire_put_u32(&out, (uint32_t)(uint64_t)when_s);
    }
    wire_put_u32(&out, record->value);
    (void)kv_put(txn, key_of(record), slice_of(room, out.n));
}

/* One mail with a border hop. Who calls a mail ham has looked at it, and a junk folder fills by
 * itself too: ham wins, whichever came first. A trap's word is a program's and stays. */
static void
fold(struct kv_txn *txn, const struct report *report, const struct received_mail *mail,
    struct record *quota, uint32_t most, struct report_counts *out)
{
    struct observation seen = mail->observation;
    struct record known;

    seen.outcome = OBS_REPORT;
    read_record(txn, 'r', mail->trace, &known);
    if (known.value != 0 && (report->label != OBS_HAM || known.value != OBS_SPAM)) {
        out->known++;
        return;
    }
    if (quota->value >= most) {
        out->too_many++;
        return;
    }
    if (known.value == OBS_SPAM) {
        seen.label = OBS_SPAM;
        history_take_report(txn, &seen);
    }
    seen.label = report->label;
    history_add(txn, &seen);
    known.value = (uint32_t)report->label;
    write_record(txn, &known, seen.when_s);
    quota->value++;
    write_record(txn, quota, report->now_s);
    out->counted++;
}

/* Of what is attached, too, to a mail without a border hop. */
static unsigned
find_mails(struct text mail, const struct conf *conf, struct received_mail found[MAILS_MAX],
    unsigned *inside)
{
    struct text attached;
    unsigned count = 0;
    size_t at = 0;
    enum err err = received_border(mail.p, mail.n, conf, &found[0]);

    if (err == ERR_OK)
        return 1;
    /* A line that cannot be read may be the border's. */
    while (err == ERR_NOTFOUND && count < MAILS_MAX && mime_attached(mail, &at, &attached)) {
        if (received_border(attached.p, attached.n, conf, &found[count]) == ERR_OK)
            count++;
        else
            (*inside)++;
    }
    /* One without anything attached either. */
    if (count == 0 && *inside == 0)
        *inside = 1;
    return count;
}

enum err
report_mail(struct history *history, const struct conf *conf, const struct report *report,
    struct text mail, struct report_counts *out, struct errmsg *msg)
{
    struct received_mail found[MAILS_MAX];
    struct kv_txn *txn;
    struct record quota;
    const int32_t day = hist_day(report->now_s);
    int64_t oldest_s = report->now_s - (int64_t)conf->policy.retention_days * DAY_S;

    *out = (struct report_counts){0};
    unsigned count = find_mails(mail, conf, found, &out->inside);
    if (count == 0)
        return ERR_OK;
    enum err err = kv_begin(history_kv(history), true, &txn, msg);
    if (err < 0)
        return err;
    uint64_t hash = fnv_add(FNV_START, report->reporter, strlen(report->reporter));
    read_record(txn, 'q', fnv_add(hash, &day, sizeof day), &quota);
    for (unsigned i = 0; i < count; i++) {
        int64_t when_s = found[i].observation.when_s;

        if (when_s < oldest_s || when_s > report->now_s + DAY_S)
            out->too_old++;
        else
            fold(txn, report, &found[i], &quota, conf->policy.reports_per_day, out);
    }
    if (out->counted > 0)
        history_count(txn, "reports", out->counted);
    if (out->too_many > 0)
        history_count(txn, "reports-over-bound", out->too_many);
    return kv_commit(&txn, msg);
}
