/* The store that the golden cases are asked of: one entry of every sort. */
#ifndef TESTS_GOLDEN_FIXTURE_H
#define TESTS_GOLDEN_FIXTURE_H

#include "zones/zoneconf.h"

#define FIXTURE_NOW_S INT64_C(1780300000) /* 2026-06-01 */

/* Publishes into conf->answers_path. */
enum err fixture_publish(const struct conf *conf, struct errmsg *msg) MUST_CHECK;

#endif
