/* DOC: names of objects and what is made from them: DNS labels, interface names. */
#ifndef WARREN_MODEL_NAMES_H
#define WARREN_MODEL_NAMES_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

#define NAME_MAX_CHARS 64
#define LABEL_MAX 63
#define IFNAME_LEN 16 /* IFNAMSIZ: 15 bytes and NUL */

/* 1-64 printable UTF-8 characters, one of them visible and none hidden
 * (visible.h); ERR_INVALID names the field. */
int name_check(const char *name, const char *field, struct err *e);

/* DNS label of a name (spec 3): lower-case, runs of other characters become '-', trimmed, at most
 * 63 bytes; "client" when nothing is left. The caller makes it unique with label_number. */
void label_from_name(const char *name, char ret[static LABEL_MAX + 1]);
/* label with "-n" put behind it, cut so that it still fits; n >= 2. */
void label_number(char label[static LABEL_MAX + 1], unsigned n);
/* localhost, wpad, isatap and the like. */
int label_is_reserved(const char *label);
/* A DNS domain of one or more labels. */
int domain_check(const char *domain, const char *field, struct err *e);

/* Interface name of a network: "warren0" for "default"; else its label, or when that is longer
 * than 11 bytes or taken by the system ("lo", "eth0"), a cut of it and a hash. suffix is added
 * ("", "-m", "-r" or "-rxx", at most 4 bytes). Same input, same name; at most 15 bytes. */
void ifname_make(const char *network_name, const char *suffix, char ret[static IFNAME_LEN]);
/* A name the kernel takes: 1-15 bytes of letters, digits and "._-@+=", not "." or "..". 0 or
 * ERR_INVALID. */
int ifname_check(const char *name);

/* "host:port", "1.2.3.4:51820", "[2001:db8::1]:51820"; host is a name or an address. */
int endpoint_check(const char *endpoint, const char *field, struct err *e);
/* Split a checked endpoint; host without brackets. */
int endpoint_split(const char *endpoint, char *ret_host, size_t host_size, uint16_t *ret_port);
void endpoint_join(const char *host, uint16_t port, struct buf *out); /* adds brackets */

#endif
