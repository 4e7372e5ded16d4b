/* How repdns-load ends; repdns-load(8) lists the same. */
#ifndef LOADER_EXITCODE_H
#define LOADER_EXITCODE_H

enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,   /* see the message */
    EXIT_USAGE = 2,    /* command line or configuration */
    EXIT_LOCKED = 3,   /* another run is active */
    EXIT_RESOLVER = 4, /* the canary failed: verdicts kept, nothing newly listed from DNS */
    EXIT_TOO_MANY = 5, /* more new listings than the policy allows; --force publishes them */
    EXIT_STORE = 6     /* a store is damaged, of another version, or full */
};

#endif
