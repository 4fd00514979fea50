/* DOC: where a join token may come from; see main.h. */
#include "main/main.h"

#include "base/file.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#define TOKEN_MAX 4096

static int read_line(struct buf *ret, struct err *e)
{
	struct termios was, quiet;
	int terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &was) == 0;
	char c;

	if (terminal) {
		fputs("Join token: ", stderr);
		quiet = was;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
	}
	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n' && ret->len < TOKEN_MAX)
		buf_addc(ret, c);
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSANOW, &was);
		fputc('\n', stderr);
	}
	if (ret->len == 0)
		return err_set(e, ERR_INVALID, "no join token was given");
	return 0;
}

static void trim(struct buf *b)
{
	while (b->len > 0 && isspace((unsigned char)b->data[b->len - 1]))
		b->data[--b->len] = '\0';
}

int join_token_read(const char *file, struct buf *ret, struct err *e)
{
	const char *env = getenv("WARREN_JOIN_TOKEN");
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	AUTOFREE char *credential = NULL;
	int r;

	if (file != NULL) {
		r = file_read(file, TOKEN_MAX, ret, e);
	} else if (env != NULL) {
		buf_adds(ret, env);
		r = 0;
	} else if (credentials != NULL) {
		credential = mem_printf("%s/join-token", credentials);
		r = file_read(credential, TOKEN_MAX, ret, e);
	} else {
		r = read_line(ret, e);
	}
	trim(ret);
	return r;
}
