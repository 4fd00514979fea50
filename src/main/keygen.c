/* DOC: `warren keygen`: the private key goes into a 0600 file, the public one to standard output.
 */
#include "main/main.h"

#include "base/file.h"
#include "crypto/key.h"

#include <stdio.h>
#include <unistd.h>

static const struct cli_option options[] = {
	{"output", "FILE", "where the private key goes (0600), -o"},
	{0},
};

static int keygen_main(int argc, char **argv)
{
	CLEANUP(secret_wipe) struct secret key = {0};
	CLEANUP(buf_wipe) struct buf text = {0};
	struct public_key public_key;
	char hex[KEY_TEXT_LEN];
	struct cli_args a;
	struct err e = {0};

	if (cli_parse(argc, argv, options, &a) < 0)
		return EXIT_USAGE;
	if (cli_has(&a, "help") || !cli_has(&a, "output")) {
		cli_command_help(&keygen_command);
		return cli_has(&a, "help") ? EXIT_DONE : EXIT_USAGE;
	}
	if (access(cli_flag(&a, "output"), F_OK) == 0) {
		err_set(&e, ERR_EXISTS, "%s exists already", cli_flag(&a, "output"));
		return cli_fail(&e);
	}
	key_generate(&key);
	key_public(&key, &public_key);
	buf_addf(&text, "%s\n", key_format_secret(&key, hex));
	mem_wipe(hex, sizeof(hex));
	if (file_write(cli_flag(&a, "output"), text.data, text.len, 0600, &e) < 0)
		return cli_fail(&e);
	printf("%s\n", key_format_public(&public_key, hex));
	return EXIT_DONE;
}

const struct cli_command keygen_command = {
	.name = "keygen",
	.run = keygen_main,
	.help = "make a WireGuard key pair",
	.about =
		"Writes a new private key to FILE (which must not exist) and prints the public key.",
	.options = options,
	.example = "warren keygen -o node.key",
};
