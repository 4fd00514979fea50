/* DOC: see cloudinit.h. The token is a file of its own, of 0600 and gone once it was used;
 * everything else is one script, which does nothing the second time. */
#include "render/cloudinit.h"

#include "base/mem.h"
#include "render/escape.h"

#define TOKEN_FILE "/etc/warren/join-token"
#define SCRIPT "/usr/local/sbin/warren-first-boot"

static const char unit[] = "[Unit]\n"
			   "Description=WireGuard by Warren\n"
			   "Wants=network-online.target\n"
			   "After=network-online.target\n"
			   "\n"
			   "[Service]\n"
			   "ExecStart=/usr/bin/env warren agent run\n"
			   "Restart=always\n"
			   "RestartSec=2\n"
			   "\n"
			   "[Install]\n"
			   "WantedBy=multi-user.target\n";

static void install(const struct cloud_init *c, struct buf *out)
{
	buf_adds(out,
		"export DEBIAN_FRONTEND=noninteractive\n"
		"if ! command -v warren >/dev/null; then\n"
		"\tapt-get update\n");
	if (c->package == NULL) {
		buf_adds(out, "\tapt-get install -y warren\n");
	} else {
		buf_adds(out,
			"\tcommand -v curl >/dev/null || apt-get install -y curl\n"
			"\tcurl -fsSL --proto =https -o /run/warren.deb ");
		escape_shell(out, c->package);
		buf_adds(out, "\n\tapt-get install -y /run/warren.deb\n");
	}
	buf_adds(out, "fi\n");
}

static void script(const struct cloud_init *c, struct buf *out)
{
	buf_adds(out,
		"#!/bin/sh\n"
		"# Makes this machine a node, once.\n"
		"set -eu\n"
		"PATH=$PATH:/usr/sbin:/sbin\n");
	install(c, out);
	buf_adds(out,
		"if ! [ -e /var/lib/warren/agent/identity.json ]; then\n"
		"\twarren agent join ");
	escape_shell(out, c->url);
	buf_adds(out, " --name ");
	escape_shell(out, c->name);
	buf_adds(out,
		" --token-file " TOKEN_FILE "\n"
		"fi\n"
		"rm -f " TOKEN_FILE "\n"
		"if ! systemctl cat warren-agent.service >/dev/null 2>&1; then\n"
		"\tcat >/etc/systemd/system/warren-agent.service <<'END'\n");
	buf_adds(out, unit);
	buf_adds(out,
		"END\n"
		"\tsystemctl daemon-reload\n"
		"fi\n"
		"systemctl enable --now warren-agent.service\n");
}

static void file(struct buf *out, const char *path, const char *mode, const char *content)
{
	buf_addf(out,
		"  - path: %s\n    owner: root:root\n    permissions: \"%s\"\n    content: ", path,
		mode);
	escape_string(out, content);
	buf_adds(out, "\n");
}

void render_cloud_init(const struct cloud_init *c, struct buf *out)
{
	CLEANUP(buf_done) struct buf text = {0};

	script(c, &text);
	buf_adds(out, "#cloud-config\nwrite_files:\n");
	file(out, TOKEN_FILE, "0600", c->token);
	file(out, SCRIPT, "0755", buf_str(&text));
	buf_adds(out, "runcmd:\n  - [" SCRIPT "]\n");
}
