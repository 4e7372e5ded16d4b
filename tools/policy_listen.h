/* Where the policy service is reached. */
#ifndef TOOLS_POLICY_LISTEN_H
#define TOOLS_POLICY_LISTEN_H

/* A non-blocking socket that listens: on ADDR@PORT, or on a path that begins with /. A socket that
 * a service before this one left behind is taken away, one that somebody listens at is not. -1, and
 * errno says why. */
int policy_listen(const char *where);

#endif
