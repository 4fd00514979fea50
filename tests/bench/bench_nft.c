/*
 * DOC: one firewall with 10,000 members: a member added and removed, all of it compared
 * with the kernel, and loaded, with and without a table there; beside one `nft add element` of the
 * same. In a network namespace of its own; needs root. CPU is of this process and the kernel in it,
 * or of `nft`.
 */
#include "base/proc.h"
#include "bench/row.h"
#include "model/state.h"
#include "net/net.h"

#include <sched.h>
#include <string.h>
#include <sys/resource.h>

#define NETWORK "net_bench"
#define MEMBERS 10000
#define ROUNDS 50
#define LOADS 5

static struct net *n;
static struct item *firewall;
static struct item_vec members, none;

static void must(int r, const struct err *e)
{
	if (r == 0)
		return;
	fprintf(stderr, "bench_nft: %s\n", e->text);
	exit(1);
}

static double children_ms(void)
{
	struct rusage ru;

	getrusage(RUSAGE_CHILDREN, &ru);
	return (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1e3 +
		(double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e3;
}

static struct item *member(unsigned k)
{
	struct item *i = item_new(ITEM_SET, NETWORK);

	i->set.set = mem_strdup("s_0123456789ab");
	i->set.prefix = prefix_host((struct addr){FAMILY_IPV4, 0x0a400000 + k});
	return i;
}

static void fill(void)
{
	static const char *const ports[] = {"22", "53", "80", "443", "8000-8999"};

	firewall = item_new(ITEM_FIREWALL, NETWORK);
	strs_push(&firewall->firewall.interfaces, "warren0");
	for (size_t k = 0; k < ARRAY_LEN(ports); k++) {
		struct fw_rule r = {.from = mem_strdup("s_0123456789ab"),
			.to = mem_strdup(""),
			.protocol = mem_strdup("tcp")};

		strs_push(&r.ports, ports[k]);
		VEC_PUSH(&firewall->firewall.forward, r);
	}
	for (unsigned k = 0; k < MEMBERS; k++)
		VEC_PUSH(&members, member(k));
}

static void change(struct item_vec *put, struct item_vec *drop)
{
	struct err e = {0};

	must(net_firewall_members(n, NETWORK, &members, put, drop, &e), &e);
}

static void load(void)
{
	struct err e = {0};

	must(net_firewall_load(n, NETWORK, &firewall->firewall, &members, &e), &e);
}

static void ours(double *ret_wall, double *ret_cpu)
{
	struct item_vec one = {0};
	double wall[ROUNDS], cpu[ROUNDS];

	VEC_PUSH(&one, member(60000));
	for (int i = 0; i < ROUNDS; i++) {
		double began = wall_ms(), used = cpu_ms();

		change(&one, &none);
		wall[i] = wall_ms() - began;
		cpu[i] = cpu_ms() - used;
		change(&none, &one);
	}
	item_vec_done(&one);
	*ret_wall = quantile(wall, ROUNDS, 0.5);
	*ret_cpu = quantile(cpu, ROUNDS, 0.5);
	row_below("one member added, 10,000 there, worst of 50, wall", wall[ROUNDS - 1], "ms", 5);
}

static void rival(double *ret_wall, double *ret_cpu)
{
	static const char *const add[] = {"nft",
		"add element inet warren_" NETWORK " s_s_0123456789ab_4 { 10.255.0.1 }", NULL};
	static const char *const drop[] = {"nft",
		"delete element inet warren_" NETWORK " s_s_0123456789ab_4 { 10.255.0.1 }", NULL};
	double wall[ROUNDS], cpu[ROUNDS];
	struct err e = {0};

	for (int i = 0; i < ROUNDS; i++) {
		double began = wall_ms(), used = children_ms();

		must(proc_run(add, NULL, 0, NULL, NULL, 10000, &e), &e);
		wall[i] = wall_ms() - began;
		cpu[i] = children_ms() - used;
		must(proc_run(drop, NULL, 0, NULL, NULL, 10000, &e), &e);
	}
	*ret_wall = quantile(wall, ROUNDS, 0.5);
	*ret_cpu = quantile(cpu, ROUNDS, 0.5);
}

static void one_member(void)
{
	double wall, cpu, nft_wall, nft_cpu;

	ours(&wall, &cpu);
	rival(&nft_wall, &nft_cpu);
	row("the same, median, wall", 1000 * wall, "µs");
	row("the same, median, CPU", 1000 * cpu, "µs");
	row("nft add element, 10,000 there, median, wall", nft_wall, "ms");
	row("the same, CPU", nft_cpu, "ms");
	row("nft / ours, wall", nft_wall / wall, "times");
	row("nft / ours, CPU", nft_cpu / cpu, "times");
}

static void look(double *ret_cpu, const struct item_vec *items)
{
	struct err e = {0};
	double used = cpu_ms();
	int r = net_firewall_intact(n, NETWORK, &firewall->firewall, items, &e);

	*ret_cpu = cpu_ms() - used;
	if (r != 1)
		must(-1, &e);
}

static void looks(void)
{
	struct item_vec one = {0}, more = {0};
	double each[ROUNDS], idle[ROUNDS];

	VEC_PUSH(&one, member(60000));
	VEC_FOREACH (i, &members)
		VEC_PUSH(&more, *i);
	VEC_PUSH(&more, one.v[0]);
	for (int i = 0; i < ROUNDS; i++) {
		if (i % 2)
			change(&none, &one);
		else
			change(&one, &none);
		look(&each[i], i % 2 ? &members : &more);
		look(&idle[i], i % 2 ? &members : &more);
	}
	VEC_DONE(&more);
	item_vec_done(&one);
	row_below("compared with the kernel, 10,000 members, CPU", quantile(each, ROUNDS, 0.5),
		"ms", 20);
	row("the same when nobody changed nftables, CPU", 1000 * quantile(idle, ROUNDS, 0.5), "µs");
}

enum how { FROM_EMPTY, SAME, OTHER_RULES, LOADS_KINDS };

static void prepare(enum how how)
{
	struct fw_rule r = {.from = mem_strdup("s_0123456789ab"),
		.to = mem_strdup(""),
		.protocol = mem_strdup("udp")};
	struct err e = {0};

	if (how == FROM_EMPTY)
		must(net_firewall_delete(n, NETWORK, &e), &e);
	if (how == OTHER_RULES) {
		VEC_PUSH(&firewall->firewall.forward, r);
		return;
	}
	mem_free(r.from);
	mem_free(r.to);
	mem_free(r.protocol);
}

static void loads(void)
{
	static const char *const words[] = {"no table there", "nothing to do", "other rules"};

	for (enum how how = FROM_EMPTY; how < LOADS_KINDS; how++) {
		double wall[LOADS], cpu[LOADS];
		char what[80];

		for (int i = 0; i < LOADS; i++) {
			double began, used;

			prepare(how);
			began = wall_ms();
			used = cpu_ms() + children_ms();
			load();
			wall[i] = wall_ms() - began;
			cpu[i] = cpu_ms() + children_ms() - used;
		}
		snprintf(what, sizeof(what), "10,000 members loaded, %s, wall", words[how]);
		row(what, quantile(wall, LOADS, 0.5), "ms");
		snprintf(what, sizeof(what), "the same, CPU with nft's");
		row(what, quantile(cpu, LOADS, 0.5), "ms");
	}
}

int main(void)
{
	struct err e = {0};

	if (unshare(CLONE_NEWNET) < 0) {
		fprintf(stderr, "it takes root to make a network namespace\n");
		return 77;
	}
	n = net_new(&e);
	if (n == NULL)
		must(-1, &e);
	fill();
	load();
	one_member();
	looks();
	loads();
	item_vec_done(&members);
	item_free(firewall);
	net_free(n);
	return 0;
}
