/*
 * DOC: addresses that people outside may make us call. Loopback, private, shared, link-local,
 * mapped, tunnelled, reserved and multicast ones are not: behind them are machines that trust us.
 */
#ifndef WARREN_HTTP_PUBLIC_H
#define WARREN_HTTP_PUBLIC_H

#include <stdbool.h>
#include <sys/socket.h>

bool http_address_is_public(const struct sockaddr *sa);

#endif
