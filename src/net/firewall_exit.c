/* DOC: see firewall_exit.h. Names of interfaces and sets come from the planner and are checked. */
#include "net/firewall_exit.h"

#include "model/names.h"
#include "net/nftname.h"

static const struct half {
	enum family family;
	const char *ip;
	const char *inside; /* set of our own */
} halves[] = {{FAMILY_IPV4, "ip", "inside_4"}, {FAMILY_IPV6, "ip6", "inside_6"}};

static int is_elsewhere(const struct fw_exit *x)
{
	return x->mark != 0 && x->interface[0] != '\0' && ifname_check(x->interface) == 0;
}

static int is_here(const struct fw_exit *x)
{
	return x->mark != 0 && x->interface[0] == '\0';
}

static int is_way_out(const struct firewall_item *f)
{
	return f->exit_mark != 0 && f->exit_interface[0] != '\0' &&
		ifname_check(f->exit_interface) == 0;
}

int firewall_has_exits(const struct firewall_item *f)
{
	return f->exits.n > 0 || is_way_out(f);
}

/* " ip daddr != @inside_4"; nothing when nothing of the family is inside. */
static void add_inside(struct buf *out, const struct firewall_item *f, const struct half *h,
	const char *expression, const char *operator)
{
	VEC_FOREACH (p, &f->inside)
		if (p->addr.family == h->family) {
			buf_addf(out, " %s %s %s@%s", h->ip, expression, operator, h->inside);
			return;
		}
}

static void add_each(struct buf *out, const struct fw_exit *x, const struct half *h)
{
	char name[NFT_NAME_LEN];

	buf_addf(out, "\t\tiifname @interfaces %s saddr @%s meta mark set 0x%08x\n", h->ip,
		nft_set(x->set, NFT_HOSTS, h->family, name), x->mark);
}

void firewall_exit_marks(struct buf *out, const struct firewall_item *f)
{
	if (!firewall_has_exits(f))
		return;
	buf_adds(out,
		"\tchain wr_exit {\n"
		"\t\ttype filter hook prerouting priority mangle; policy accept;\n");
	VEC_FOREACH (x, &f->exits) {
		if (!is_elsewhere(x))
			continue;
		/* an exit may send what comes from outside, not what looks like one of us */
		for (size_t i = 0; i < ARRAY_LEN(halves); i++) {
			CLEANUP(buf_done) struct buf from = {0};

			add_inside(&from, f, &halves[i], "saddr", "");
			if (from.len > 0)
				buf_addf(out, "\t\tiifname \"%s\"%s drop\n", x->interface,
					buf_str(&from));
		}
		buf_addf(out, "\t\tiifname \"%s\" meta mark set 0x%08x\n", x->interface, x->mark);
	}
	if (is_way_out(f)) /* replies go back where the flow came from */
		buf_addf(out,
			"\t\tiifname != @interfaces ct mark 0x%08x meta mark set 0x%08x return\n",
			f->exit_mark, f->exit_mark);
	for (size_t i = 0; i < ARRAY_LEN(halves); i++) {
		CLEANUP(buf_done) struct buf to = {0};

		add_inside(&to, f, &halves[i], "daddr", "");
		if (to.len > 0)
			buf_addf(out, "\t\t%s return\n", buf_str(&to) + 1);
	}
	if (is_way_out(f))
		buf_addf(out, "\t\tiifname \"%s\" meta mark set 0x%08x ct mark set 0x%08x\n",
			f->exit_interface, f->exit_mark, f->exit_mark);
	VEC_FOREACH (x, &f->exits)
		for (size_t i = 0; x->mark != 0 && i < ARRAY_LEN(halves); i++)
			add_each(out, x, &halves[i]);
	buf_adds(out, "\t}\n");
}

void firewall_exit_refuse(struct buf *out, const struct firewall_item *f)
{
	char name[NFT_NAME_LEN];

	VEC_FOREACH (x, &f->exits) {
		if (is_elsewhere(x)) {
			buf_addf(out,
				"\t\tiifname != \"%s\" oifname != \"%s\" meta mark 0x%08x drop\n",
				x->interface, x->interface, x->mark);
			continue;
		}
		for (size_t i = 0; x->mark == 0 && i < ARRAY_LEN(halves); i++) {
			const struct half *h = &halves[i];

			buf_addf(out, "\t\t%s saddr @%s", h->ip,
				nft_set(x->set, NFT_HOSTS, h->family, name));
			add_inside(out, f, h, "daddr", "!= ");
			buf_adds(out, " drop\n");
		}
	}
}

/* Marks that leave by the machine's own routes. */
static void each_here(struct buf *out, const struct firewall_item *f, const char *verdict)
{
	VEC_FOREACH (x, &f->exits)
		if (is_here(x))
			buf_addf(out, "\t\tmeta mark 0x%08x oifname != @interfaces %s\n", x->mark,
				verdict);
	if (is_way_out(f))
		buf_addf(out, "\t\tmeta mark 0x%08x oifname != @interfaces %s\n", f->exit_mark,
			verdict);
}

static void each_elsewhere(struct buf *out, const struct firewall_item *f, const char *verdict)
{
	VEC_FOREACH (x, &f->exits)
		if (is_elsewhere(x))
			buf_addf(out, "\t\tmeta mark 0x%08x oifname \"%s\" %s\n", x->mark,
				x->interface, verdict);
}

void firewall_exit_accept(struct buf *out, const struct firewall_item *f)
{
	each_elsewhere(out, f, "accept");
	each_here(out, f, "accept");
}

void firewall_exit_masquerade(struct buf *out, const struct firewall_item *f)
{
	each_elsewhere(out, f, "masquerade");
	each_here(out, f, "masquerade");
}
