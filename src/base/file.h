/* DOC: small files, read whole with a bound and written so that a crash leaves old or new. */
#ifndef WARREN_BASE_FILE_H
#define WARREN_BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

/* Append the file's bytes to out; more than max bytes is ERR_INVALID, absence ERR_NOT_FOUND. */
int file_read(const char *path, size_t max, struct buf *out, struct err *e);

/* The same for what nobody else may know or choose. ERR_DENIED names the file and its mode, or its
 * owner, when others than root and ourselves could have read or written it. */
int file_read_private(const char *path, size_t max, struct buf *out, struct err *e);

/* Write by temporary name (PATH.~ and six characters), fsync, rename, fsync of the directory. mode
 * as for open(2). */
int file_write(const char *path, const void *data, size_t n, mode_t mode, struct err *e);

/* For a path that a person gave: devices and pipes (/dev/stdout, a terminal, >(program)) take the
 * bytes and stay what they are; anything else as file_write. */
int file_write_out(const char *path, const void *data, size_t n, mode_t mode, struct err *e);
/* There is a device or a pipe. */
bool file_is_outlet(const char *path);

/* Remove what a file_write that was killed has left in this folder: our own regular files of such
 * names. For who is alone in it. Absence of the folder is fine. */
int file_sweep(const char *dir, struct err *e);

/* mkdir -p; the last component gets mode, and an existing one is tightened to it. ERR_DENIED names
 * its owner when that is neither root nor ourselves: what lies in it is theirs to change. */
int file_mkdirs(const char *path, mode_t mode, struct err *e);

#endif
