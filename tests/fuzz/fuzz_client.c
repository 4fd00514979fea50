/*
 * DOC: the body of POST clients through everything that looks at it before the store does: JSON,
 * the schema, the rules of a device, the DNS label, and the configuration it would end up in. What
 * is accepted must render, and must come out of its own JSON unchanged.
 */
#include "codec/object.h"
#include "model/names.h"
#include "model/schema.h"
#include "model/validate.h"
#include "render/config.h"

#include <assert.h>
#include <string.h>

static const char *const also[] = {"network", "group", "gateway", NULL};

static void check_label(const char *name)
{
	char label[LABEL_MAX + 1];

	label_from_name(name, label);
	for (unsigned n = 0; n < 3; n++) {
		size_t len = strlen(label);
		assert(len > 0 && len <= LABEL_MAX);
		assert(strspn(label, "abcdefghijklmnopqrstuvwxyz0123456789-") == len);
		assert(label[0] != '-' && label[len - 1] != '-');
		label_number(label, 2 + n * 70000);
	}
}

/* One line a value: nothing a name holds may become a directive. */
static void check_config(const struct device *d)
{
	static const char *const allowed[] = {"#", "[Interface]", "[Peer]", "Address = ", "DNS = ",
		"MTU = ", "PublicKey = ", "AllowedIPs = ", "Endpoint = ", "PersistentKeepalive = "};
	struct prefix_vec routes = {0};
	CLEANUP(buf_done) struct buf out = {0};

	prefix_vec_copy(&routes, &d->allowed_ips);
	VEC_PUSH(&routes, ((struct prefix){{FAMILY_IPV4, 10u << 24}, 8}));
	struct device_config c = {.ipv4 = {FAMILY_IPV4, 10u << 24 | 2},
		.dns = &d->dns,
		.mtu = d->mtu,
		.peer_key = {{9}},
		.allowed_ips = &routes,
		.endpoint = "192.0.2.1:51820",
		.name = d->name};
	if (render_wg_quick(&c, &out, NULL) == 0)
		for (const char *p = buf_str(&out); *p; p += strcspn(p, "\n"), p += *p == '\n') {
			bool known = *p == '\n';
			for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
				known = known || strncmp(p, allowed[i], strlen(allowed[i])) == 0;
			assert(known);
		}
	VEC_DONE(&routes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct device d = {.enabled = true, .keepalive = -1};
	struct json_doc *doc = json_parse((const char *)data, size, JSON_MAX, &e);

	if (doc == NULL) {
		assert(e.code == ERR_INVALID);
		return 0;
	}
	if (object_read(json_root(doc), &schema_device, FIELD_SET, also, &d, &e) == 0) {
		strcpy(d.network, "net_1");
		if (device_check(&d, NULL, &e) == 0) {
			check_label(d.name);
			check_config(&d);
		}
	} else {
		assert(e.code != 0 && d.name == NULL);
	}
	schema_done(&schema_device, &d);
	json_free(doc);
	return 0;
}
