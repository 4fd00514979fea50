/* DOC: one text that holds several files, each behind a line "MARK NAME", into a folder. */
#ifndef WARREN_CLI_SPLIT_H
#define WARREN_CLI_SPLIT_H

#include "base/buf.h"
#include "base/err.h"

/* A name that would leave the folder is ERR_INVALID. A .netdev holds keys: 0640, and
 * systemd-network's when root writes it; others get 0644. */
int split_files(const char *dir, const struct buf *config, const char *mark, struct err *e);

#endif
