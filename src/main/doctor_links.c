/* DOC: doctor's look beyond this machine: the control plane, the peers, the way to them. */
#include "main/doctor.h"

#include "agent/wire.h"
#include "model/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ANSWER_AGE 180   /* s; WireGuard renews every two minutes while there is traffic */
#define WAKE_TRIES 5     /* of a second each */
#define ANSWER_WAIT 5000 /* ms for the control plane */
#define MTU_MIN 1280

/* --- control plane ---------------------------------------------------------------------------- */

static void check_answer(const struct http_response *r, struct finding *f, const char *url)
{
	if (r->status == 200)
		finding_add(f, FINE, "", "%s, pinned", url);
	else
		finding_add(f, WRONG, "see its log", "%s answers with status %d", url, r->status);
}

/* What libcurl says of a name that has no address, and of nothing else. */
static bool has_no_address(const struct err *why)
{
	return strstr(why->text, "Could not resolve host") != NULL;
}

/* Not by the pins we have: is it another one, or ours with newer pins? */
static void check_stranger(const struct identity *id, const struct err *why, struct finding *f)
{
	CLEANUP(identity_done) struct identity learned = {0};
	struct err e = {0};

	if (wire_learn_pins(id->url, &id->root, &learned, &e) == 0)
		finding_add(f, NOTE, "the agent learns its new key by itself",
			"%s has a new key, signed by the fleet's root", id->url);
	else if (strstr(e.text, "asking") == e.text)
		finding_add(f, WRONG,
			has_no_address(why)
				? "does this machine's resolver know that name (getent hosts NAME), and "
				  "is it still the control plane's?"
				: "is it running, and does a firewall between let TCP to that port "
				  "pass?",
			"%s cannot be reached: %s", id->url, why->text);
	else
		finding_add(f, WRONG,
			"somebody else answers at this address: look at names, proxies and who has "
			"the port; nothing secret was sent there",
			"%s is not the control plane this node joined", id->url);
}

static int call_control(const struct identity *id, struct http_response *ret, struct err *e)
{
	struct http_target t = {.base = id->url, .pins = id->pins};
	struct http_send send = {.method = "GET", .path = "/healthz", .timeout = ANSWER_WAIT};

	return http_call_wait(&t, &send, ret, e);
}

static void check_control(struct doctor *d, struct finding *f)
{
	const struct identity *id = &d->patient->identity;
	struct http_response r = {0};
	struct err e = {0};

	if (call_control(id, &r, &e) == 0)
		check_answer(&r, f, id->url);
	else
		check_stranger(id, &e, f);
	http_response_done(&r);
}

static void check_clock(struct doctor *d, struct finding *f)
{
	struct http_response r = {0};
	const char *date;
	struct tm tm = {0};
	long long off;

	if (call_control(&d->patient->identity, &r, NULL) < 0 ||
		(date = http_response_header(&r, "Date")) == NULL ||
		strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &tm) == NULL) {
		finding_add(f, NOTE, "", "the control plane does not say what time it is");
	} else {
		off = (long long)(clock_wall(&clock_real) / 1000) - (long long)timegm(&tm);
		if (llabs(off) > CLOCK_OFFSET_SAID / 1000)
			finding_add(f, WRONG,
				"set the clock (timedatectl set-ntp true): peers refuse handshakes "
				"that seem older than the last one",
				"%lld s %s the control plane", llabs(off),
				off < 0 ? "behind" : "ahead of");
		else
			finding_add(f, FINE, "", "as the control plane's");
	}
	http_response_done(&r);
}

/* --- peers ------------------------------------------------------------------------------------ */

/* Peers this node calls by itself, and the address each has in the tunnel. */
struct called {
	const struct peer_item *peers[PROBE_MAX];
	struct addr addrs[PROBE_MAX];
	size_t n;
};

static struct called called_peers(const struct patient *p)
{
	struct called c = {0};

	VEC_FOREACH (i, &p->desired.items) {
		const struct peer_item *peer = &(*i)->peer;

		if ((*i)->kind != ITEM_PEER || peer->endpoint == NULL ||
			peer->endpoint[0] == '\0' ||
			strncmp(peer->id, PEER_NEXT_PREFIX, strlen(PEER_NEXT_PREFIX)) == 0 ||
			c.n == PROBE_MAX)
			continue;
		c.addrs[c.n] = addr_is_set(peer->mesh_ip) ? peer->mesh_ip : peer->mesh_ip6;
		c.peers[c.n++] = peer;
	}
	return c;
}

/* Wall time of the peer's last handshake, 0 = never. */
static msec handshake_of(const struct patient *p, const struct peer_item *peer)
{
	struct wg_device device = {0};
	msec at = 0;

	if (p->wg->ops->read(p->wg, peer->interface, &device, NULL) == 0)
		VEC_FOREACH (x, &device.peers)
			if (public_key_equal(&x->public_key, &peer->public_key))
				at = x->last_handshake;
	wg_device_done(&device);
	return at;
}

static void check_endpoint(struct patient *p, const struct peer_item *peer, struct finding *f)
{
	msec at = handshake_of(p, peer), age = (clock_wall(&clock_real) - at) / 1000;
	char host[256];
	struct addr a;
	uint16_t port;
	struct err e = {0};

	if (endpoint_split(peer->endpoint, host, sizeof(host), &port) < 0) {
		finding_add(f, WRONG, "warren node set NAME --endpoint HOST:PORT",
			"%s is no endpoint", peer->endpoint);
	} else if (probe_resolve(host, &a, &e) < 0) {
		finding_add(f, WRONG,
			"mend the name, or this machine's resolver (/etc/resolv.conf)",
			"endpoint %s: %s", peer->endpoint, e.text);
	} else if (at == 0 || age > ANSWER_AGE) {
		finding_add(f, WRONG,
			"is that machine up, does a firewall or NAT on the way let UDP to that "
			"port pass, and is the endpoint the address it has?",
			"%s at %s does not answer (last handshake %s)", peer->id, peer->endpoint,
			at == 0 ? "never" : "long ago");
	} else {
		finding_add(f, FINE, "", "%s answers, last handshake %lld s ago", peer->endpoint,
			(long long)age);
	}
}

/* Something to send makes WireGuard call; what is back within a moment, answers. */
static void check_peers(struct doctor *d, struct finding *f)
{
	struct patient *p = d->patient;
	struct called c = called_peers(p);
	uint32_t all = c.n == 0 ? 0 : UINT32_MAX >> (PROBE_MAX - c.n), seen = 0;

	for (int i = 0; i < WAKE_TRIES && seen != all; i++)
		seen |= probe_ping(c.addrs, c.n, 0, NULL);
	for (size_t i = 0; i < c.n; i++)
		check_endpoint(p, c.peers[i], f);
	if (c.n == 0)
		finding_add(f, FINE, "", "none that this node calls by itself");
}

/* Peers that call us: one that is there now shows that our own endpoint works. */
static void check_callers(struct doctor *d, struct finding *f)
{
	struct patient *p = d->patient;
	msec now = clock_wall(&clock_real), newest = 0;
	size_t peers = 0, online = 0;

	VEC_FOREACH (i, &p->desired.items) {
		struct wg_device device = {0};

		if ((*i)->kind != ITEM_INTERFACE ||
			p->wg->ops->read(p->wg, (*i)->interface.name, &device, NULL) < 0)
			continue;
		VEC_FOREACH (x, &device.peers) {
			peers++;
			online += x->last_handshake > now - ANSWER_AGE * 1000;
			newest = x->last_handshake > newest ? x->last_handshake : newest;
		}
		wg_device_done(&device);
	}
	if (peers == 0)
		finding_add(f, FINE, "", "no peers");
	else if (newest == 0)
		finding_add(f, NOTE,
			"when some should be: can UDP reach this machine at its endpoint? (warren "
			"node show NAME)",
			"%zu peers, nobody ever connected", peers);
	else
		finding_add(f, FINE, "", "%zu of %zu within %d s, the newest %lld s ago", online,
			peers, ANSWER_AGE, (long long)((now - newest) / 1000));
}

/* --- the way there ---------------------------------------------------------------------------- */

/* The largest packet that arrives, a few tries. */
static size_t largest(const struct addr *a, size_t fits, size_t fails)
{
	while (fails - fits > 8) {
		size_t middle = fits + (fails - fits) / 2;

		if (probe_ping(a, 1, middle, NULL) != 0)
			fits = middle;
		else
			fails = middle;
	}
	return fits;
}

static void check_mtu(struct doctor *d, struct finding *f)
{
	struct patient *p = d->patient;
	struct called c = called_peers(p);
	uint32_t there = probe_ping(c.addrs, c.n, 0, NULL);
	size_t tried = 0;

	for (size_t i = 0; i < c.n && tried < 4; i++) {
		struct net_link l;
		size_t fits;

		if (!(there & 1u << i) || net_link_get(p->net, c.peers[i]->interface, &l, NULL) < 0)
			continue;
		tried++;
		if (probe_ping(&c.addrs[i], 1, l.mtu, NULL) != 0 ||
			probe_ping(&c.addrs[i], 1, l.mtu, NULL) != 0) {
			finding_add(f, FINE, "", "%u bytes reach %s", l.mtu, c.peers[i]->id);
			continue;
		}
		fits = largest(&c.addrs[i], 128, l.mtu);
		finding_add(f, WRONG,
			"give the network an MTU that fits (warren network set NAME --mtu), or let "
			"ICMP \"too big\" pass on the way",
			"packets of %u bytes do not reach %s, of %zu they do", l.mtu,
			c.peers[i]->id, fits);
	}
	if (tried == 0)
		finding_add(f, c.n == 0 ? FINE : NOTE, "",
			c.n == 0 ? "no peer to try it with"
				 : "no peer answers, so it cannot be tried");
}

static void check_dns(struct doctor *d, struct finding *f)
{
	size_t n = 0;

	VEC_FOREACH (i, &d->patient->desired.items) {
		const struct dns_item *dns = &(*i)->dns;

		if ((*i)->kind != ITEM_DNS)
			continue;
		VEC_FOREACH (at, &dns->listen) {
			char text[ADDR_TEXT_LEN];
			struct err e = {0};

			n++;
			if (probe_dns(at->addr, dns->domain, &e) < 0)
				finding_add(f, WRONG,
					"is the agent running, and does another program have port "
					"53? (ss -lunp)",
					"%s does not answer for %s: %s",
					addr_format(at->addr, text), dns->domain, e.text);
			else
				finding_add(f, FINE, "", "%s answers for %s",
					addr_format(at->addr, text), dns->domain);
		}
	}
	if (n == 0)
		finding_add(f, FINE, "", "this node answers for no domain");
}

const struct check link_checks[] = {
	{"agent's control plane", check_control},
	{"clock skew", check_clock},
	{"endpoints", check_peers},
	{"handshakes", check_callers},
	{"mtu", check_mtu},
	{"dns", check_dns},
	{0},
};
