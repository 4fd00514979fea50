/*
 * DOC: how benchmarks print: one line a number, fields parted by tabs, which `run` turns into a
 * table: what, measured, promised, met or short. Numbers without a promise have none of the last
 * two.
 */
#ifndef WARREN_TESTS_BENCH_ROW_H
#define WARREN_TESTS_BENCH_ROW_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline void row(const char *what, double value, const char *unit)
{
	printf("%s\t%.*f %s\t\t\n", what, value < 100 ? 2 : 0, value, unit);
	fflush(stdout);
}

static inline void row_promise(
	const char *what, double value, const char *unit, const char *sign, double promise)
{
	int met = *sign == '<' ? value < promise : value >= promise;

	printf("%s\t%.*f %s\t%s %g %s\t%s\n", what, value < 100 ? 2 : 0, value, unit, sign, promise,
		unit, met ? "met" : "SHORT");
	fflush(stdout);
}
/* A promise that the value stays below, or does not stay below. */
static inline void row_below(const char *what, double value, const char *unit, double promise)
{
	row_promise(what, value, unit, "<", promise);
}

static inline void row_least(const char *what, double value, const char *unit, double promise)
{
	row_promise(what, value, unit, ">=", promise);
}

static inline double ms_of_clock(clockid_t which)
{
	struct timespec ts;

	clock_gettime(which, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}
/* Wall time, and this process's own CPU time, in milliseconds. */
static inline double wall_ms(void)
{
	return ms_of_clock(CLOCK_MONOTONIC);
}

static inline double cpu_ms(void)
{
	return ms_of_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static inline int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}
/* The value that this part of them (0..1) does not exceed; sorts them. */
static inline double quantile(double *v, size_t n, double part)
{
	size_t at = (size_t)(part * (double)n);

	qsort(v, n, sizeof(*v), compare_doubles);
	return v[at < n ? at : n - 1];
}

#endif
