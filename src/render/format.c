/* DOC: the table; see format.h. */
#include "render/format.h"

#include <string.h>

const struct config_format config_formats[] = {
	{"wg-quick", ".conf", "text/plain; charset=utf-8", false, false, render_wg_quick,
		"wg-quick and the WireGuard apps"},
	{"networkmanager", ".nmconnection", "text/plain; charset=utf-8", false, false,
		render_keyfile, "NetworkManager keyfile"},
	{"networkd", ".networkd", "text/plain; charset=utf-8", false, false, render_networkd,
		"systemd-networkd, .netdev and .network in one"},
	{"mobileconfig", ".mobileconfig", "application/x-apple-aspen-config", true, true,
		render_profile_ios, "Apple configuration profile for iOS"},
	{"mobileconfig-macos", ".mobileconfig", "application/x-apple-aspen-config", true, true,
		render_profile_macos, "Apple configuration profile for macOS"},
	{"android", ".json", "application/json", true, false, render_android,
		"managed configuration and tunnel for Android device management"},
	{0},
};

int config_format_find(const char *word, const struct config_format **ret, struct err *e)
{
	CLEANUP(buf_done) struct buf words = {0};

	for (const struct config_format *f = config_formats; f->word != NULL; f++) {
		if (word == NULL || strcmp(word, f->word) == 0) {
			*ret = f;
			return 0;
		}
		buf_addf(&words, "%s%s", words.len ? ", " : "", f->word);
	}
	return err_field(e, ERR_INVALID, "format", "the formats are %s", buf_str(&words));
}

const struct config_format *config_format_of(const char *text)
{
	static const struct {
		const char *first, *word;
	} marks[] = {{"<?xml", "mobileconfig"}, {"\x30\x82", "mobileconfig"} /* DER */,
		{"{", "android"}, {"[connection]", "networkmanager"}, {NETWORKD_FILE, "networkd"}};
	const struct config_format *f = config_formats;

	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (strncmp(text, marks[i].first, strlen(marks[i].first)) == 0)
			config_format_find(marks[i].word, &f, NULL);
	return f;
}

int config_render(const struct config_format *f, const struct device_config *c, struct buf *out,
	struct err *e)
{
	if (f->needs_key && c->private_key == NULL)
		return err_set(e, ERR_GONE,
			"a configuration in the format %s is of no use without the private key, which "
			"was shown once and is not kept: rotate the key",
			f->word);
	return f->render(c, out, e);
}
