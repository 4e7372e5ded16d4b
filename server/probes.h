/*
 * Probes for perf, bpftrace and systemtap (USDT): each is one nop until somebody attaches to it,
 * and its arguments are what is in registers anyway. repdnsd(8) lists them.
 */
#ifndef SERVER_PROBES_H
#define SERVER_PROBES_H

#include <sys/sdt.h>

/* A packet of len bytes, before it is looked at. */
#define PROBE_RECEIVED(packet, len, tcp) DTRACE_PROBE3(repdnsd, query__received, packet, len, tcp)
/* Its answer of len bytes. */
#define PROBE_ANSWERED(rcode, len, listed)                                                         \
    DTRACE_PROBE3(repdnsd, query__answered, rcode, len, listed)
/* None; cause is the place in the manual's table of drops, from 0. */
#define PROBE_DROPPED(cause, len) DTRACE_PROBE2(repdnsd, query__dropped, cause, len)
/* A batch's snapshot of this LMDB transaction. */
#define PROBE_RENEWED(generation) DTRACE_PROBE1(repdnsd, snapshot__renewed, generation)
/* The first one after a publish. */
#define PROBE_PUBLISH(generation, serial) DTRACE_PROBE2(repdnsd, publish__seen, generation, serial)

#endif
