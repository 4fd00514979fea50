/* DOC: dying, and being late, on demand; see fault.h. */
#include "base/fault.h"

#ifdef WARREN_FAULT_POINTS
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned passes; /* of the point that was asked for */

void fault_point(const char *name)
{
	const char *wanted = getenv("WARREN_FAULT");
	size_t n = strlen(name);

	if (wanted == NULL || strncmp(wanted, name, n) != 0 ||
		(wanted[n] != '\0' && wanted[n] != ':'))
		return;
	if (++passes < (wanted[n] == ':' ? strtoul(wanted + n + 1, NULL, 10) : 1))
		return;
	fprintf(stderr, "fault point %s\n", name);
	kill(getpid(), SIGKILL);
}

long fault_ahead(void)
{
	const char *path = getenv("WARREN_FAULT_AHEAD");
	FILE *file = path != NULL ? fopen(path, "re") : NULL;
	long seconds = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%ld", &seconds) != 1)
		seconds = 0;
	fclose(file);
	return seconds;
}
#else
typedef int nothing_here; /* a file is never empty (ISO C) */
#endif
