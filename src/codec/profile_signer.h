/*
 * DOC: the operator's certificate that signs Apple configuration profiles, from two files named in
 * the settings profile_signing_cert and profile_signing_key. Without it profiles go out unsigned.
 */
#ifndef WARREN_CODEC_PROFILE_SIGNER_H
#define WARREN_CODEC_PROFILE_SIGNER_H

#include "crypto/cms.h"

/* Read and check both; *ret stays NULL when neither is named (NULL). ERR_INVALID names the setting:
 * one without the other, a key that others can read (0600 wanted), unreadable or not fitting. */
int profile_signer_open(
	const char *cert_file, const char *key_file, struct cms_signer **ret, struct err *e);

#endif
