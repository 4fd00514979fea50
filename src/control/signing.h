/*
 * DOC: the operator's certificate that signs Apple configuration profiles, from two files named in
 * the settings profile_signing_cert and profile_signing_key. Without it profiles go out unsigned.
 */
#ifndef WARREN_CONTROL_SIGNING_H
#define WARREN_CONTROL_SIGNING_H

#include "control/control.h"
#include "crypto/cms.h"

/* Read and check both; *ret stays NULL when neither is named. ERR_INVALID names the setting: one
 * without the other, a key that others can read (0600 wanted), unreadable or not fitting. */
int signing_open(const struct control_options *o, struct cms_signer **ret, struct err *e);

#endif
