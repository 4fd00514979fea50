/* DOC: test helper: prints the agent listener's certificate and key out of a state folder, so that
 * a test can play a control plane that has the TLS key and not the signing key. */
#include "control/keys.h"

#include "crypto/key.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	CLEANUP(buf_wipe) struct buf cert = {0}, key = {0};
	const char *const names[] = {NULL};
	struct control_keys keys = {0};
	struct store *store = NULL;
	AUTOFREE char *path = NULL;
	struct err e = {0};
	int r;

	if (argc != 2)
		return 64;
	crypto_init();
	path = mem_printf("%s/warren.db", argv[1]);
	r = store_open(&store_sqlite, path, &clock_real, &store, &e);
	if (r == 0)
		r = keys_open(store, argv[1], &keys, &e);
	if (r == 0)
		r = keys_certificate(store, &keys, "tls_agent", names, &cert, &key, &e);
	if (r == 0)
		printf("%s%s", buf_str(&cert), buf_str(&key));
	else
		fprintf(stderr, "%s\n", e.text);
	keys_done(&keys);
	store_close(store);
	return r == 0 ? 0 : 1;
}
