/*
 * DOC: the formats a device's configuration comes in, as one table: their word in the API and on
 * the command line, how the file is called, and whether they make sense without the private key.
 */
#ifndef WARREN_RENDER_FORMAT_H
#define WARREN_RENDER_FORMAT_H

#include "render/config.h"

struct config_format {
	const char *word;   /* "networkmanager" */
	const char *suffix; /* of a file, ".nmconnection" */
	const char *type;   /* media type */
	bool needs_key;     /* without the private key it is of no use: ERR_GONE */
	bool is_profile;    /* Apple's: may be signed */
	int (*render)(const struct device_config *c, struct buf *out, struct err *e);
	const char *help;
};
extern const struct config_format config_formats[]; /* ends with word NULL; wg-quick is first */

/* word NULL = wg-quick. ERR_INVALID names the field "format" and the words there are. */
int config_format_find(const char *word, const struct config_format **ret, struct err *e);
/* The format a rendered text is in, or a signed profile, by its first bytes. */
const struct config_format *config_format_of(const char *text);

/* Render; a format that needs the key answers ERR_GONE without it. Formats other than wg-quick want
 * c->interface, and profiles c->id. out is wiped by the caller. */
int config_render(const struct config_format *f, const struct device_config *c, struct buf *out,
	struct err *e);

/* keyfile.c: NetworkManager, /etc/NetworkManager/system-connections/NAME.nmconnection (0600). */
int render_keyfile(const struct device_config *c, struct buf *out, struct err *e);
/* networkd.c: two files of /etc/systemd/network in one text, each behind "# file: NAME". The first
 * holds the keys (0640, root:systemd-network). */
int render_networkd(const struct device_config *c, struct buf *out, struct err *e);
#define NETWORKD_FILE "# file: "
/* profile.c: what device management hands out. Apple's configuration profile with the VPN payload
 * the WireGuard apps document; for Android the app's managed configuration, which cannot carry a
 * tunnel, and the tunnel's file beside it. */
int render_profile_ios(const struct device_config *c, struct buf *out, struct err *e);
int render_profile_macos(const struct device_config *c, struct buf *out, struct err *e);
int render_android(const struct device_config *c, struct buf *out, struct err *e);

/* template.c: a template of the caller's: {{config}}, {{name}}, {{interface}}, {{id}}, {{uuid}},
 * {{private_key}}, {{address}}, {{dns}}, {{mtu}}, {{public_key}}, {{preshared_key}},
 * {{allowed_ips}},
 * {{endpoint}}, {{keepalive}}; "|xml", "|json", "|shell", "|base64" behind a name escapes, and
 * {{{{}} is "{{". An unknown name is ERR_INVALID with its line. */
int render_template(
	const char *template, const struct device_config *c, struct buf *out, struct err *e);

#endif
