/* DOC: network namespaces inside the test process: nothing of the machine is touched. */
#ifndef WARREN_TESTS_NET_LAB_H
#define WARREN_TESTS_NET_LAB_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* NULL, or why namespaces (and the named program, may be NULL) cannot be used here. */
const char *lab_missing(const char *program);

/* A new namespace, entered. The number is for lab_enter; -1 on failure. */
int lab_new(void);
void lab_enter(int ns);
/* A veth pair between two namespaces. */
void lab_veth(int a, const char *name_a, int b, const char *name_b);
/* "ip ..." in the current one; words are split at spaces. */
void lab_ip(const char *words);
/* Three machines, each the other's neighbour in both families; the router is entered:
 *	peer 172.30.0.2, fd00:30::2 ── warren0 .1 [router] .1 lan0 ── lan 192.0.2.2, 2001:db8::2 */
void lab_street(int *router, int *peer, int *lan);
/* An address as text, either family; returns the length. */
socklen_t lab_sockaddr(const char *text, uint16_t port, struct sockaddr_storage *ret);

#endif
