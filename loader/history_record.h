/*
 * Keys and records of history.mdb, for history*.c alone.
 *
 * Keys of clients, HELOs and pairs begin with the table byte, the length of the address key (4 or
 * 16) and the address key, so that the three tables have one order and are merged by three cursors.
 * That of a domain is the table byte and dname_key. Every record that expires begins with first_s
 * and last_s, 8 bytes each; integers are big-endian.
 */
#ifndef LOADER_HISTORY_RECORD_H
#define LOADER_HISTORY_RECORD_H

#include "loader/history.h"
#include "zones/wire.h"

enum {
    HISTORY_ADDRESS_KEY_MAX = 18, /* table, length, 16 */
    HISTORY_CLIENT_SIZE = 8 * 2 + 4 * 8 + 8 * HIST_CLASSES + 2 + DNAME_MAX + 12,
    HISTORY_SPF_SIZE = 1 + 8 * (OBS_SPF_COUNT - 1),
    HISTORY_USE_SIZE = 8 * 2 + 4 + 8 + 2 + 12 + HISTORY_SPF_SIZE,
    HISTORY_DOMAIN_SIZE =
        8 * 2 + 4 * 2 + 8 + HISTORY_SPF_SIZE + 1 + 8 * HIST_CLASSES + 4 + HIST_CROWD_BITS / 4,
    HISTORY_TOTALS_SIZE = 8 * 7 + 4
};

void history_put_u64(struct wire_out *out, uint64_t v);
uint64_t history_get_u64(struct wire_in *in);
void history_put_time(struct wire_out *out, int64_t v);
int64_t history_get_time(struct wire_in *in);

/* Returns the length. */
size_t history_address_key(
    enum history_table table, const struct ip *ip, uint8_t out[HISTORY_ADDRESS_KEY_MAX]);

/* The slices are room. Decoding is ERR_FORMAT for a damaged record. */
struct slice history_encode_client(
    const struct hist_client *client, uint8_t room[HISTORY_CLIENT_SIZE]);
enum err history_decode_client(
    struct slice value, const struct ip *ip, struct hist_client *out) MUST_CHECK;
struct slice history_encode_use(const struct hist_use *use, uint8_t room[HISTORY_USE_SIZE]);
enum err history_decode_use(struct slice value, struct hist_use *out) MUST_CHECK;

struct slice history_encode_domain(
    const struct hist_domain *domain, uint8_t room[HISTORY_DOMAIN_SIZE]);
enum err history_decode_domain(struct slice value, struct hist_domain *out) MUST_CHECK;
/* Of that many weights, those that are not zero: bits(1), then each with its day. */
void history_put_weights(struct wire_out *out, const struct hist_weight *weights, unsigned count);
void history_get_weights(struct wire_in *in, struct hist_weight *weights, unsigned count);
void history_put_weight(struct wire_out *out, const struct hist_weight *weight);
struct hist_weight history_get_weight(struct wire_in *in);

/* The class that a label counts in. */
enum hist_class hist_class_of(enum obs_label label);

/* history_domain.c: folds an observation with a sender domain. own: SPF passed for it, as far as is
 * known. Returns whether the record is a new one. */
bool history_fold_domain(
    struct kv_txn *txn, const struct observation *seen, bool own, uint32_t half_life_days);
/* Takes a label back. */
void history_take_domain(
    struct kv_txn *txn, const struct observation *report, uint32_t half_life_days);

/* history.c: that of history_set_half_life. */
uint32_t history_half_life(struct kv_txn *txn);

/* The key of a named record of HISTORY_META. */
struct slice history_meta_key(const char *name, uint8_t room[32]);
void history_write_totals(struct kv_txn *txn, const struct hist_totals *totals);

/* history_migrate.c: a history of format 1 becomes one of format 2, and one of format 2 one of this
 * format, each in one transaction. */
enum err history_migrate(struct kv_txn *txn) MUST_CHECK;
enum err history_migrate_2(struct kv_txn *txn) MUST_CHECK;

/* history_names.c: makes room for one more name of an address in a table of uses, if it has
 * HISTORY_NAMES_MAX; *left is how many there are then. */
enum err history_fold_name(struct kv_txn *txn, struct slice address_key, int32_t day,
    uint32_t half_life_days, uint32_t *left) MUST_CHECK;
/* Deletes all of them. */
enum err history_drop_names(struct kv_txn *txn, struct slice address_key) MUST_CHECK;

#endif
