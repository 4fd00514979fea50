/*
 * DOC: `warren doctor`: look at this machine, say what is wrong and what to do. Each check is a row
 * of a table and answers with a verdict, what it saw, and advice. Exit 1 when anything is wrong.
 */
#include "main/main.h"

#include "base/file.h"
#include "base/proc.h"
#include "cli/table.h"
#include "codec/json.h"
#include "main/doctor.h"
#include "main/machine.h"
#include "net/net.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void finding_add(struct finding *f, enum verdict v, const char *advice, const char *fmt, ...)
{
	va_list ap;

	f->verdict = v > f->verdict ? v : f->verdict;
	buf_adds(&f->saw, f->saw.len > 0 ? "; " : "");
	va_start(ap, fmt);
	buf_addv(&f->saw, fmt, ap);
	va_end(ap);
	if (advice[0] == '\0' || strstr(buf_str(&f->advice), advice) != NULL)
		return;
	buf_adds(&f->advice, f->advice.len > 0 ? "; " : "");
	buf_adds(&f->advice, advice);
}

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
	if (dir.st_uid != 0 && dir.st_uid != geteuid()) {
		f->verdict = WRONG;
		buf_addf(&f->advice,
			"it belongs to user %u: chown it, if what it holds can be trusted",
			(unsigned)dir.st_uid);
	} else if (dir.st_mode & 077) {
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

/* No agent of this machine: a control plane only, or nothing yet. */
static void check_node(struct doctor *d, struct finding *f)
{
	if (d->patient != NULL)
		finding_add(f, FINE, "", "an agent has joined in %s", d->agent_dir);
	else if (d->why.code == ERR_NOT_FOUND)
		finding_add(f, NOTE, "to make it one: warren agent join https://HOST:8444",
			"this machine is no node of a fleet");
	else
		finding_add(f, geteuid() == 0 ? WRONG : NOTE,
			geteuid() == 0 ? "the agent cannot read it either: see its log"
				       : "run it with sudo",
			"the agent's folder cannot be read: %s", d->why.text);
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

static const struct check checks[] = {
	{"rights", check_rights},
	{"wireguard", check_tunnels},
	{"firewall", check_firewall},
	{"clock", check_clock},
	{"default route", check_route},
	{"ip forwarding", check_forwarding},
	{"state folder", check_state},
	{"control plane", check_control},
	{"nodes", check_clients},
	{"node", check_node},
	{0},
};

static const char *const verdict_words[] = {"ok", "note", "wrong"};

struct report {
	struct json_writer w;
	struct table t;
	int wrong;
};

static void run_checks(struct doctor *d, const struct check *c, struct report *r)
{
	for (; c->name != NULL; c++) {
		struct finding f = {0};

		c->run(d, &f);
		r->wrong += f.verdict == WRONG;
		table_cell(&r->t, verdict_words[f.verdict]);
		table_cell(&r->t, c->name);
		table_cell(&r->t, buf_str(&f.saw));
		table_cell(&r->t, buf_str(&f.advice));
		json_begin_object(&r->w, NULL);
		json_put_str(&r->w, "check", c->name);
		json_put_str(&r->w, "verdict", verdict_words[f.verdict]);
		json_put_str(&r->w, "seen", buf_str(&f.saw));
		json_put_str(&r->w, "advice", buf_str(&f.advice));
		json_end_object(&r->w);
		buf_done(&f.saw);
		buf_done(&f.advice);
	}
}

static int examine(struct doctor *d, bool json)
{
	static const char *const headings[] = {"", "CHECK", "SEEN", "WHAT TO DO"};
	CLEANUP(buf_done) struct buf out = {0};
	struct report r = {.w = {.out = &out}};

	table_init(&r.t, headings, 4);
	json_begin_object(&r.w, NULL);
	json_begin_array(&r.w, "checks");
	run_checks(d, checks, &r);
	if (d->patient != NULL) {
		run_checks(d, patient_checks, &r);
		run_checks(d, link_checks, &r);
	}
	json_end_array(&r.w);
	json_end_object(&r.w);
	if (json)
		printf("%s\n", buf_str(&out));
	else
		table_print(&r.t, stdout);
	table_done(&r.t);
	return r.wrong > 0 ? EXIT_FAILED : EXIT_DONE;
}

static const struct cli_option options[] = {
	{"agent-state", "DIR", "the agent's folder (STATE/agent)"},
	{"run-dir", "DIR", "folder of the engine's sockets (/var/run/wireguard)"},
	{"hosts", "FILE", "hosts file the agent keeps names in (/etc/hosts)"},
	{0},
};

static int doctor_main(int argc, char **argv)
{
	CLEANUP(cli_session_done) struct cli_session s = {0};
	struct doctor d = {.session = &s};
	AUTOFREE char *agent_dir = NULL;
	struct cli_args a;
	struct err e = {0};
	int r;

	if (cli_parse(argc, argv, options, &a) < 0)
		return EXIT_USAGE;
	if (cli_has(&a, "help")) {
		cli_command_help(&doctor_command);
		return EXIT_DONE;
	}
	if (a.n_words > 0)
		return doctor_files(&a);
	if (cli_session_init(&s, &a, &e) < 0)
		return cli_fail(&e);
	d.state = cli_has(&a, "state") ? cli_flag(&a, "state") : "/var/lib/warren";
	agent_dir = cli_has(&a, "agent-state") ? mem_strdup(cli_flag(&a, "agent-state"))
					       : mem_printf("%s/agent", d.state);
	d.agent_dir = agent_dir;
	d.hosts_path = cli_has(&a, "hosts") ? cli_flag(&a, "hosts") : "/etc/hosts";
	if (patient_open(agent_dir, cli_flag(&a, "run-dir"), &d.patient, &d.why) < 0)
		d.patient = NULL;
	r = examine(&d, s.json);
	patient_free(d.patient);
	return r;
}

const struct cli_command doctor_command = {
	.name = "doctor",
	.run = doctor_main,
	.help = "find out what is wrong here, and what to do",
	.args = "[FILE...]",
	.about =
		"Without FILE: this machine, and its part in the fleet when an agent has joined.\n"
		"With FILE: read WireGuard configuration files (as wg-quick does) and say what is\n"
		"wrong with them. Exit status 1 when anything is.",
	.options = options,
	.calls = true,
	.example = "warren doctor /etc/wireguard/wg0.conf",
};
