/*
 * DOC: `warren doctor`: look at this machine, say what is wrong and what to do. Each check is a row
 * of a table and answers with a verdict, what it saw, and advice. Exit 1 when anything is wrong.
 */
#include "main/main.h"

#include "agent/agent.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/text.h"
#include "cli/table.h"
#include "codec/json.h"
#include "main/machine.h"
#include "net/net.h"
#include "wg/backend.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum verdict { FINE, NOTE, WRONG };

struct finding {
	enum verdict verdict;
	struct buf saw, advice;
};

struct doctor {
	const char *state;
	struct cli_session *session;
};

static void say(struct finding *f, enum verdict v, const char *saw, const char *advice)
{
	f->verdict = v;
	buf_adds(&f->saw, saw);
	buf_adds(&f->advice, advice);
}

static void check_tunnels(struct doctor *d, struct finding *f)
{
	CLEANUP(buf_done) struct buf why = {0}, program = {0};

	if (machine_has_kernel_wireguard())
		say(f, FINE, "the kernel has WireGuard", "");
	else if (machine_program("wireguard-go", &program) == 0 && machine_has_tun(&why))
		say(f, FINE, "userspace engine wireguard-go", "");
	else if (program.len == 0)
		say(f, WRONG, "no WireGuard in the kernel, no wireguard-go",
			"apt-get install wireguard-go, or modprobe wireguard");
	else
		say(f, WRONG, buf_str(&why),
			"give the container /dev/net/tun and NET_ADMIN, or modprobe wireguard");
}

static void check_rights(struct doctor *d, struct finding *f)
{
	if (geteuid() == 0)
		say(f, FINE, "running as root", "");
	else
		say(f, NOTE, "not root: some checks cannot look", "run it with sudo");
}

static void check_firewall(struct doctor *d, struct finding *f)
{
	static const char *const argv[] = {"nft", "list", "tables", NULL};
	CLEANUP(buf_done) struct buf out = {0};
	struct err e = {0};

	if (proc_run(argv, NULL, 0, &out, NULL, 5000, &e) == 0)
		say(f, FINE, "nft answers", "");
	else
		say(f, WRONG, e.text,
			"apt-get install nftables; check that the kernel has nf_tables");
}

static void check_clock(struct doctor *d, struct finding *f)
{
	char text[CLOCK_TEXT_LEN];
	msec now = clock_wall(&clock_real);

	/* before this program was written: a machine without a clock, before NTP has answered */
	if (now < (msec)1735689600 * 1000)
		say(f, WRONG, clock_format(now, text),
			"set the clock: WireGuard peers ignore handshakes older than the last they saw");
	else
		say(f, FINE, clock_format(now, text), "");
}

static void check_state(struct doctor *d, struct finding *f)
{
	AUTOFREE char *key = mem_printf("%s/master.key", d->state);
	struct stat dir, file;

	if (stat(d->state, &dir) < 0) {
		say(f, NOTE, "no control plane has run here", "");
		return;
	}
	buf_addf(&f->saw, "%s", d->state);
	if (dir.st_mode & 077) {
		f->verdict = WRONG;
		buf_addf(&f->advice, "others can look into it: chmod 0700 %s", d->state);
	} else if (stat(key, &file) == 0 && (file.st_mode & 077)) {
		f->verdict = WRONG;
		buf_addf(&f->advice, "others can read the master key: chmod 0600 %s", key);
	}
}

static void check_control(struct doctor *d, struct finding *f)
{
	CLEANUP(buf_done) struct buf answer = {0};
	struct err e = {0};

	if (cli_call(d->session, "GET", "/healthz", NULL, &answer, &e) == 0)
		say(f, FINE, d->session->target.base, "");
	else
		say(f, NOTE, e.text, "start it with: warren up, or give its address with --url");
}

static void check_clients(struct doctor *d, struct finding *f)
{
	CLEANUP(buf_done) struct buf answer = {0};
	struct json_doc *doc;
	const struct json *items;
	struct err e = {0};
	size_t stuck = 0;

	if (cli_call(d->session, "GET", "/api/v1/nodes?limit=1000", NULL, &answer, &e) < 0) {
		say(f, NOTE, e.text, "");
		return;
	}
	doc = json_parse(buf_str(&answer), answer.len, answer.len, NULL);
	items = doc ? json_get(json_root(doc), "items") : NULL;
	for (size_t i = 0; i < json_count(items); i++) {
		const char *deploy = json_str(json_at(items, i), "deploy");
		const char *error = json_str(json_at(items, i), "deploy_error");

		if (deploy != NULL && strcmp(deploy, "error") == 0) {
			stuck++;
			buf_addf(&f->saw, "%s: %s; ", json_str(json_at(items, i), "name"),
				error ? error : "?");
		}
	}
	if (stuck > 0) {
		f->verdict = WRONG;
		buf_adds(&f->advice, "these nodes could not apply their plan: run doctor on them");
	} else {
		buf_addf(&f->saw, "%zu nodes, none in error", json_count(items));
	}
	json_free(doc);
}

/* Each userspace interface: does it answer, and when did anybody last speak? */
static void check_interfaces(struct doctor *d, struct finding *f)
{
	struct wg_backend *b = wg_userspace_new(NULL, NULL, NULL);
	struct strs names = {0};
	struct err e = {0};

	if (b->ops->list(b, &names, &e) < 0) {
		say(f, NOTE, e.text, "");
	} else if (names.n == 0) {
		say(f, NOTE, "no interface is up", "");
	}
	VEC_FOREACH (name, &names) {
		struct wg_device device = {0};
		msec newest = 0;

		if (b->ops->read(b, *name, &device, &e) < 0) {
			f->verdict = WRONG;
			buf_addf(&f->saw, "%s does not answer; ", *name);
			buf_adds(&f->advice, "its engine died: restart the agent");
			continue;
		}
		VEC_FOREACH (p, &device.peers)
			newest = p->last_handshake > newest ? p->last_handshake : newest;
		buf_addf(&f->saw, "%s: port %u, %zu peers, ", *name, device.listen_port,
			device.peers.n);
		if (newest > 0)
			buf_addf(&f->saw, "last handshake %lld s ago; ",
				(long long)((clock_wall(&clock_real) - newest) / 1000));
		else
			buf_adds(&f->saw, "no handshake yet; ");
		wg_device_done(&device);
	}
	strs_done(&names);
	b->ops->free(b);
}

static void check_route(struct doctor *d, struct finding *f)
{
	struct net *net = net_new(NULL);
	struct addr a;
	char text[ADDR_TEXT_LEN];

	if (net != NULL && net_default_address(net, FAMILY_IPV4, &a, NULL) == 0)
		say(f, FINE, addr_format(a, text), "");
	else if (net != NULL && net_default_address(net, FAMILY_IPV6, &a, NULL) == 0)
		say(f, FINE, addr_format(a, text), "");
	else
		say(f, NOTE, "no default route", "a gateway needs --endpoint then");
	net_free(net);
}

static void check_forwarding(struct doctor *d, struct finding *f)
{
	CLEANUP(buf_done) struct buf value = {0};

	if (net_sysctl_get("net.ipv4.ip_forward", &value, NULL) == 0 && buf_str(&value)[0] == '1')
		say(f, FINE, "on", "");
	else
		say(f, NOTE, "off", "a running gateway turns it on by itself");
}

static const struct {
	const char *name;
	void (*run)(struct doctor *d, struct finding *f);
} checks[] = {
	{"rights", check_rights},
	{"wireguard", check_tunnels},
	{"firewall", check_firewall},
	{"clock", check_clock},
	{"default route", check_route},
	{"ip forwarding", check_forwarding},
	{"state folder", check_state},
	{"control plane", check_control},
	{"nodes", check_clients},
	{"interfaces", check_interfaces},
};

static const char *const verdict_words[] = {"ok", "note", "wrong"};

static int examine(struct doctor *d, bool json)
{
	static const char *const headings[] = {"", "CHECK", "SEEN", "WHAT TO DO"};
	CLEANUP(buf_done) struct buf out = {0};
	struct json_writer w = {.out = &out};
	struct table t;
	int wrong = 0;

	table_init(&t, headings, 4);
	json_begin_object(&w, NULL);
	json_begin_array(&w, "checks");
	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		struct finding f = {0};

		checks[i].run(d, &f);
		wrong += f.verdict == WRONG;
		table_cell(&t, verdict_words[f.verdict]);
		table_cell(&t, checks[i].name);
		table_cell(&t, buf_str(&f.saw));
		table_cell(&t, buf_str(&f.advice));
		json_begin_object(&w, NULL);
		json_put_str(&w, "check", checks[i].name);
		json_put_str(&w, "verdict", verdict_words[f.verdict]);
		json_put_str(&w, "seen", buf_str(&f.saw));
		json_put_str(&w, "advice", buf_str(&f.advice));
		json_end_object(&w);
		buf_done(&f.saw);
		buf_done(&f.advice);
	}
	json_end_array(&w);
	json_end_object(&w);
	if (json)
		printf("%s\n", buf_str(&out));
	else
		table_print(&t, stdout);
	table_done(&t);
	return wrong > 0 ? EXIT_FAILED : EXIT_DONE;
}

int doctor_main(int argc, char **argv)
{
	CLEANUP(cli_session_done) struct cli_session s = {0};
	struct doctor d = {.session = &s};
	struct cli_args a;
	struct err e = {0};

	if (cli_parse(argc, argv, NULL, &a) < 0)
		return EXIT_USAGE;
	if (cli_has(&a, "help")) {
		puts("warren doctor [FILE...] - find out what is wrong here, and what to do\n\n"
		     "With FILE: read WireGuard configuration files (as wg-quick does) and say what "
		     "is wrong\nwith them. Exit status 1 when anything is.\n\n"
		     "Examples:\n  sudo warren doctor\n  warren doctor /etc/wireguard/wg0.conf");
		return EXIT_DONE;
	}
	if (a.n_words > 0)
		return doctor_files(&a);
	if (cli_session_init(&s, &a, &e) < 0)
		return cli_fail(&e);
	d.state = cli_has(&a, "state") ? cli_flag(&a, "state") : "/var/lib/warren";
	return examine(&d, s.json);
}
