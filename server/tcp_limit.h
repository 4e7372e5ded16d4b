/* The limit of open files, which bounds the TCP connections. */
#ifndef SERVER_TCP_LIMIT_H
#define SERVER_TCP_LIMIT_H

/* Raises the process's limit until so many connections fit, as far as its privileges go. Returns
 * how many fit, at most wanted. */
unsigned tcp_limit_raise(unsigned wanted);

#endif
