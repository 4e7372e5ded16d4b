/* The data of a zone as records: what a look-up found, and the apex. On the answer path. */
#ifndef SERVER_ANSWER_DATA_H
#define SERVER_ANSWER_DATA_H

#include "server/reply.h"

/* A name of reply->zone, which is open to the client. */
void answer_data(struct reply *reply);

#endif
