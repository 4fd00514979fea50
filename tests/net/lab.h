/* DOC: network namespaces inside the test process: nothing of the machine is touched. */
#ifndef WARREN_TESTS_NET_LAB_H
#define WARREN_TESTS_NET_LAB_H

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

#endif
