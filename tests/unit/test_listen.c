/* Which sockets a worker serves: all sets are served, whatever the number of workers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/listen.h"

enum { ENDPOINTS = 3, SETS_MAX = 9, WORKERS_MAX = 20 };

static void
every_set_is_served(void **state)
{
    int udp[SETS_MAX * ENDPOINTS], own[SETS_MAX * ENDPOINTS];
    (void)state;
    for (int i = 0; i < SETS_MAX * ENDPOINTS; i++)
        udp[i] = 100 + i;
    for (unsigned sets = 1; sets <= SETS_MAX; sets++)
        for (unsigned workers = 1; workers <= WORKERS_MAX; workers++) {
            const struct sockets sockets = {.endpoints = ENDPOINTS, .sets = sets, .udp = udp};
            unsigned served[SETS_MAX * ENDPOINTS] = {0};
            for (unsigned w = 0; w < workers; w++) {
                unsigned count = sockets_of_worker(&sockets, w, workers, own);
                assert_in_range(count, ENDPOINTS, sets * ENDPOINTS);
                for (unsigned i = 0; i < count; i++)
                    served[own[i] - 100]++;
            }
            for (unsigned i = 0; i < sets * ENDPOINTS; i++)
                assert_in_range(served[i], 1, 1 + workers / sets);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_set_is_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
