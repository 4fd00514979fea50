/*
 * DOC: what device management hands out. Apple: a configuration profile with one VPN payload, keys
 * as the WireGuard app documents them (VendorConfig/WgQuickConfig). Identifiers are made from the
 * device's id, so a new profile replaces the old one instead of standing beside it. Android: the
 * app's managed configuration knows one switch (disable_config_export) and cannot carry a tunnel;
 * the tunnel is in the same document as the file to import.
 */
#include "render/format.h"

#include "model/names.h"
#include "render/escape.h"

static void put_key(struct buf *out, const char *indent, const char *key, const char *value)
{
	buf_addf(out, "%s<key>%s</key>\n%s<string>", indent, key, indent);
	escape_xml(out, value);
	buf_adds(out, "</string>\n");
}

static void put_identity(struct buf *out, const char *indent, const char *type,
	const char *identifier, const char *name)
{
	char uuid[UUID_TEXT_LEN];

	put_key(out, indent, "PayloadDisplayName", name);
	put_key(out, indent, "PayloadIdentifier", identifier);
	put_key(out, indent, "PayloadType", type);
	put_key(out, indent, "PayloadUUID", uuid_of("apple", identifier, uuid));
	buf_addf(out, "%s<key>PayloadVersion</key>\n%s<integer>1</integer>\n", indent, indent);
}

static int render_profile(
	const struct device_config *c, const char *app, struct buf *out, struct err *e)
{
	CLEANUP(buf_wipe) struct buf quick = {0};
	AUTOFREE char *profile = mem_printf("warren.%s.%s", c->id, app);
	AUTOFREE char *payload = mem_printf("%s.vpn", profile);
	AUTOFREE char *app_id = mem_printf("com.wireguard.%s", app);
	const char *name = c->name != NULL ? c->name : c->interface;
	char host[256];
	uint16_t port;
	int r = render_wg_quick(c, &quick, e);

	if (r < 0)
		return r;
	if ((r = endpoint_split(c->endpoint, host, sizeof(host), &port)) < 0)
		return err_field(e, r, "endpoint", "the gateway's endpoint has no host");
	buf_room(out, 4096 + 6 * quick.len + 24 * strlen(name));
	buf_adds(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
		"\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
		"<plist version=\"1.0\">\n<dict>\n");
	put_identity(out, "\t", "Configuration", profile, name);
	buf_adds(out, "\t<key>PayloadContent</key>\n\t<array>\n\t\t<dict>\n");
	put_identity(out, "\t\t\t", "com.apple.vpn.managed", payload, "VPN");
	put_key(out, "\t\t\t", "UserDefinedName", name);
	put_key(out, "\t\t\t", "VPNType", "VPN");
	put_key(out, "\t\t\t", "VPNSubType", app_id);
	buf_adds(out, "\t\t\t<key>VendorConfig</key>\n\t\t\t<dict>\n");
	put_key(out, "\t\t\t\t", "WgQuickConfig", buf_str(&quick));
	buf_adds(out, "\t\t\t</dict>\n\t\t\t<key>VPN</key>\n\t\t\t<dict>\n");
	put_key(out, "\t\t\t\t", "RemoteAddress", host);
	put_key(out, "\t\t\t\t", "AuthenticationMethod", "Password");
	buf_adds(out, "\t\t\t</dict>\n\t\t</dict>\n\t</array>\n</dict>\n</plist>\n");
	return 0;
}

int render_profile_ios(const struct device_config *c, struct buf *out, struct err *e)
{
	return render_profile(c, "ios", out, e);
}

int render_profile_macos(const struct device_config *c, struct buf *out, struct err *e)
{
	return render_profile(c, "macos", out, e);
}

int render_android(const struct device_config *c, struct buf *out, struct err *e)
{
	CLEANUP(buf_wipe) struct buf quick = {0};
	AUTOFREE char *file = mem_printf("%s.conf", c->interface);
	char uuid[UUID_TEXT_LEN];
	int r = render_wg_quick(c, &quick, e);

	if (r < 0)
		return r;
	buf_room(out, 1024 + 6 * quick.len + 6 * (c->name ? strlen(c->name) : 0));
	buf_addf(out, "{\"id\":\"%s\",\"name\":", uuid_of("android", c->id, uuid));
	escape_string(out, c->name != NULL ? c->name : c->interface);
	buf_adds(out,
		",\"packageName\":\"com.wireguard.android\","
		"\"managedConfiguration\":{\"disable_config_export\":true},"
		"\"tunnel\":{\"file\":");
	escape_string(out, file);
	buf_adds(out, ",\"config\":");
	escape_string(out, buf_str(&quick));
	buf_adds(out, "}}\n");
	return 0;
}
