/*
 * The floor for a name server over UDP: sends every packet back with the response bit set, in
 * batches, and does nothing else.
 *
 *   dnsecho ADDR PORT
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 64, SIZE = 1536 };

int
main(int argc, char **argv)
{
    static uint8_t bytes[BATCH][SIZE];
    static struct sockaddr_in from[BATCH];
    struct mmsghdr messages[BATCH] = {0};
    struct iovec vec[BATCH];
    struct sockaddr_in here = {.sin_family = AF_INET};
    if (argc != 3 || inet_pton(AF_INET, argv[1], &here.sin_addr) != 1) {
        fprintf(stderr, "usage: dnsecho ADDR PORT\n");
        return 2;
    }
    here.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof here) != 0) {
        fprintf(stderr, "dnsecho: %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    for (;;) {
        for (unsigned i = 0; i < BATCH; i++) {
            vec[i] = (struct iovec){bytes[i], SIZE};
            messages[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
                .msg_namelen = sizeof from[i],
                .msg_iov = &vec[i],
                .msg_iovlen = 1};
        }
        int n = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
        for (int i = 0; i < n; i++) {
            vec[i].iov_len = messages[i].msg_len;
            bytes[i][2] |= 0x80;
        }
        if (n > 0)
            (void)sendmmsg(fd, messages, (unsigned)n, 0);
    }
}
