/* What the golden store has of plain records, authority, access and combined lists. */
#ifndef TESTS_GOLDEN_FIXTURE_LISTS_H
#define TESTS_GOLDEN_FIXTURE_LISTS_H

#include "loader/publish.h"

enum { FIXTURE_LISTS = 11 };

/* Fills that many sets; they live as long as the program. */
void fixture_lists(struct publish_set *sets);

#endif
