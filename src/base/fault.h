/*
 * DOC: fault points: named places where a test build dies on demand, as if the power had gone, so
 * that a test can walk them all. WARREN_FAULT=NAME dies at the first pass of the point, NAME:3 at
 * the third. WARREN_FAULT_AHEAD=FILE makes the wall clock fast by as many seconds as the file says,
 * now: what takes a day is shown in a test without it. Only builds with -Dfault_points=true or
 * sanitizers have them; elsewhere they are nothing, and a release build refuses the option.
 */
#ifndef WARREN_BASE_FAULT_H
#define WARREN_BASE_FAULT_H

#ifdef WARREN_FAULT_POINTS
void fault_point(const char *name);
#define FAULT(name) fault_point(name)
long fault_ahead(void); /* seconds */
#else
#define FAULT(name) ((void)0)
#define fault_ahead() 0
#endif

#endif
