/* DOC: what this machine can do: WireGuard in the kernel, an engine, a tun device, nftables. */
#ifndef WARREN_MAIN_MACHINE_H
#define WARREN_MAIN_MACHINE_H

#include "base/buf.h"

/* 0 when tunnels can run here; else ERR_UNSUPPORTED and, in why, exactly what is missing. */
int machine_can_tunnel(struct buf *why);

/* Path of a program in PATH, appended; ERR_NOT_FOUND. */
int machine_program(const char *name, struct buf *ret);
int machine_has_kernel_wireguard(void);
int machine_has_tun(struct buf *why);

#endif
