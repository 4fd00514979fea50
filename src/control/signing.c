/* DOC: see signing.h. */
#include "control/signing.h"

#include "base/file.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PEM_MAX (64 * 1024)
#define CERT "profile_signing_cert"
#define KEY "profile_signing_key"

static int name_setting(struct err *e, const char *setting)
{
	snprintf(e->field, sizeof(e->field), "%s", setting);
	err_prefix(e, "%s", setting);
	return e->code = ERR_INVALID;
}

static int read_both(
	const struct control_options *o, struct buf *cert, struct buf *key, struct err *e)
{
	if (file_read(o->profile_signing_cert, PEM_MAX, cert, e) < 0)
		return name_setting(e, CERT);
	if (file_read_private(o->profile_signing_key, PEM_MAX, key, e) < 0)
		return name_setting(e, KEY);
	return 0;
}

int signing_open(const struct control_options *o, struct cms_signer **ret, struct err *e)
{
	CLEANUP(buf_done) struct buf cert = {0};
	CLEANUP(buf_wipe) struct buf key = {0};
	int r;

	if (o->profile_signing_cert == NULL && o->profile_signing_key == NULL)
		return 0;
	if (o->profile_signing_cert == NULL)
		return err_field(e, ERR_INVALID, CERT, CERT ": the key needs its certificate");
	if (o->profile_signing_key == NULL)
		return err_field(e, ERR_INVALID, KEY, KEY ": the certificate needs its key");
	r = read_both(o, &cert, &key, e);
	if (r < 0)
		return r;
	r = cms_signer_new(buf_str(&cert), buf_str(&key), ret, e);
	return r < 0 ? name_setting(e, strcmp(e->field, "key") == 0 ? KEY : CERT) : 0;
}
