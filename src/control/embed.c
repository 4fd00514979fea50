/*
 * DOC: runs at build time: prints its files as C arrays, so that the program carries them and the
 * build system sees when one changes. usage: embed OUT.c FILE...
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static int embed(FILE *out, const char *path)
{
	const char *base = strrchr(path, '/');
	char name[64];
	size_t i, total = 0;
	int c;
	FILE *in = fopen(path, "rb");

	if (in == NULL) {
		perror(path);
		return 1;
	}
	snprintf(name, sizeof(name), "%s", base ? base + 1 : path);
	for (i = 0; name[i] != '\0'; i++)
		if (!isalnum((unsigned char)name[i]))
			name[i] = '_';
	fprintf(out, "const char asset_%s[] = {", name);
	while ((c = getc(in)) != EOF)
		fprintf(out, "%s%d,", total++ % 24 == 0 ? "\n" : "", (signed char)c);
	fprintf(out, "0};\nconst size_t asset_%s_len = %zu;\n", name, total);
	fclose(in);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;
	FILE *out = argc > 1 ? fopen(argv[1], "wb") : NULL;

	if (out == NULL) {
		fprintf(stderr, "usage: embed OUT.c FILE...\n");
		return 1;
	}
	fprintf(out, "#include \"control/assets.h\"\n");
	for (int i = 2; i < argc; i++)
		failed |= embed(out, argv[i]);
	return fclose(out) != 0 || failed;
}
