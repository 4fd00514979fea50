/*
 * DOC: the remembered sums of configurations: after each kind of change that the API makes, what is
 * remembered is what rendering says now, for every client. Each change of the table must alter a
 * sum, or it would show nothing.
 */
#include "serve.h"

#include "control/client_config.h"
#include "control/config_sums.h"

#define CLIENTS "/api/v1/wireguard/clients"
#define MANY 16

static struct fixture *f;
static struct gateway gateway, second;
static id_text phone, own_dns, fixed, policy;

/* --- remembered and rendered ------------------------------------------------------------------ */

struct sums {
	struct {
		id_text id;
		char hex[HASH_HEX_LEN];
	} of[MANY];
	size_t n;
	size_t wrong; /* remembered ones that rendering says otherwise */
};

static const char *entry_of(const struct device *d)
{
	return d->config_entry[0] ? d->config_entry : d->entry;
}

/* Twice each: what the first time remembers is what the second one gives. */
static void look(const struct fleet *fleet, void *arg)
{
	struct sums *s = arg;

	MAP_FOREACH (slot, &fleet->devices) {
		const struct device *d = slot->value;
		char now[HASH_HEX_LEN], kept[HASH_HEX_LEN];

		client_config_hash(fleet, d, entry_of(d), now);
		for (int i = 0; i < 2; i++) {
			hub_config_sum(f->control->hub, d, entry_of(d), kept);
			s->wrong += strcmp(kept, now) != 0;
		}
		if (s->n == MANY)
			return;
		id_copy(s->of[s->n].id, d->id);
		strcpy(s->of[s->n++].hex, now);
	}
}

static struct sums look_now(const char *what)
{
	struct sums s = {0};

	hub_run_wait(f->control->hub, look, &s);
	assert_in_range(s.n, 1, MANY - 1);
	if (s.wrong > 0)
		fail_msg("%s: %zu of %zu sums are those of before", what, s.wrong / 2, s.n);
	return s;
}

static size_t altered(const struct sums *before, const struct sums *after)
{
	size_t n = 0;

	for (size_t i = 0; i < before->n; i++)
		for (size_t k = 0; k < after->n; k++)
			n += strcmp(before->of[i].id, after->of[k].id) == 0 &&
				strcmp(before->of[i].hex, after->of[k].hex) != 0;
	return n;
}

/* --- the changes ------------------------------------------------------------------------------ */

static int setup(void **state)
{
	struct err e = {0};

	f = serve();
	gateway = make_gateway(f, "", "office", "gw one");
	second = gateway;
	second.name = "gw two";
	second.endpoint = "two.example.com:51820";
	if (store_write_wait(f->control->store, put_gateway, &second, &e) < 0)
		fail_msg("%s", e.text);
	id_copy(phone, make(f, CLIENTS, "{\"name\":\"phone\"}"));
	id_copy(own_dns, make(f, CLIENTS, "{\"name\":\"own dns\",\"dns\":[\"192.0.2.53\"]}"));
	id_copy(fixed, make(f, CLIENTS, "{\"name\":\"fixed\",\"gateway\":\"gw two\"}"));
	return 0;
}

static int teardown(void **state)
{
	serve_end(f);
	return 0;
}

static void expect_change(const char *what, const struct sums *before, bool alters)
{
	struct sums after = look_now(what);

	if ((altered(before, &after) > 0) != alters)
		fail_msg("%s: %zu configurations are others now", what, altered(before, &after));
}

static void change(
	const char *method, const char *path, const char *id, const char *body, bool alters)
{
	struct sums before = look_now("before");
	AUTOFREE char *whole = mem_printf("/api/v1/%s%s%s", path, id ? "/" : "", id ? id : "");
	AUTOFREE char *what = mem_printf("%s %s %s", method, path, body ? body : "");
	ANSWER a = call(f, method, whole, NULL, body);

	if (a.status / 100 != 2)
		fail_msg("%s: %d: %s", what, a.status, buf_str(&a.body));
	if (strcmp(path, "policies") == 0 && strcmp(method, "POST") == 0)
		copy_str(&a, "id", policy, sizeof(policy));
	expect_change(what, &before, alters);
}

static void each_change_of_a_network_is_followed(void **state)
{
	static const struct {
		const char *body;
		bool alters;
	} table[] = {
		{"{\"mtu\":1340}", true},
		{"{\"keepalive\":17}", true},
		{"{\"domain\":\"elsewhere.example\"}", true},
		{"{\"dns\":[\"192.0.2.1\",\"192.0.2.2\"]}", true},
		{"{\"dns\":[]}", true},
		{"{\"dns_serve\":false}", true},
		{"{\"dns_serve\":true}", true},
		{"{\"psk_epoch\":7}", true},
		{"{\"psk\":false}", true},
		{"{\"psk\":true}", true},
		{"{\"name\":\"renamed\"}", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		change("PATCH", "networks", gateway.network, table[i].body, table[i].alters);
}

static void each_change_of_gateways_and_policies_is_followed(void **state)
{
	struct gateway third = second;
	struct err e = {0};
	AUTOFREE char *reach =
		mem_printf("{\"name\":\"lab\",\"network\":\"%s\",\"rules\":["
			   "{\"from\":[\"tag:staff\"],\"to\":[\"192.0.2.128/25\"]}]}",
			gateway.network);

	change("PATCH", "members", gateway.member, "{\"endpoint\":\"a.example.com:51820\"}", true);
	change("PATCH", "members", second.member, "{\"endpoint\":\"b.example.com:51820\"}", true);
	change("PATCH", "members", second.member, "{\"region\":\"south\"}", false);
	change("PATCH", "members", gateway.member, "{\"local_subnets\":[\"192.0.2.128/25\"]}",
		false);
	change("PATCH", "groups", gateway.group, "{\"listen_port\":51900}", true);
	/* which of the subnets a client hears of is a matter of policy, and policy one of tags */
	change("POST", "policies", NULL, reach, false);
	change("PATCH", "wireguard/clients", phone, "{\"tags\":[\"staff\"]}", true);
	change("PATCH", "policies", policy, "{\"enabled\":false}", true);
	change("DELETE", "policies", policy, NULL, false);
	change("PATCH", "nodes", second.node, "{\"enabled\":false}", true);
	change("PATCH", "nodes", second.node, "{\"enabled\":true}", true);
	change("PATCH", "nodes", second.node, "{\"name\":\"gw 2\"}", false);

	struct sums before = look_now("before");
	third.name = "gw three";
	assert_int_equal(store_write_wait(f->control->store, put_gateway, &third, &e), 0);
	expect_change("a third gateway", &before, false);
	change("DELETE", "nodes", second.node, NULL, true);
}

static void each_change_of_a_client_is_followed(void **state)
{
	static const struct {
		const char *body;
		bool alters;
	} table[] = {
		{"{\"mtu\":1300}", true},
		{"{\"keepalive\":9}", true},
		{"{\"dns\":[\"192.0.2.77\"]}", true},
		{"{\"allowed_ips\":[\"192.0.2.0/24\"]}", true},
		{"{\"full_tunnel\":true}", true},
		{"{\"full_tunnel\":false}", true},
		{"{\"enabled\":false}", false},
		{"{\"description\":\"nothing of it is in the file\"}", false},
	};
	AUTOFREE char *rotate = mem_printf("wireguard/clients/%s/rotate", own_dns);

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		change("PATCH", "wireguard/clients", own_dns, table[i].body, table[i].alters);
	change("POST", rotate, NULL, NULL, true); /* the pre-shared key follows from the key */
	change("DELETE", "wireguard/clients", fixed, NULL, false);
}

/* --- a store that is ahead -------------------------------------------------------------------- */

struct ahead {
	char fleet[HASH_HEX_LEN], ahead[HASH_HEX_LEN], again[HASH_HEX_LEN], two[HASH_HEX_LEN];
	char is_ahead[HASH_HEX_LEN], is_two[HASH_HEX_LEN];
};

static void look_ahead(const struct fleet *fleet, void *arg)
{
	struct ahead *a = arg;
	const struct device *d = map_get(&fleet->devices, phone);
	struct hub *h = f->control->hub;
	struct device ahead = *d;

	ahead.mtu = d->mtu + 1;
	client_config_hash(fleet, &ahead, d->entry, a->is_ahead);
	client_config_hash(fleet, d, second.node, a->is_two);
	hub_config_sum(h, d, d->entry, a->fleet);
	hub_config_sum(h, &ahead, d->entry, a->ahead);
	hub_config_sum(h, d, d->entry, a->again);
	hub_config_sum(h, d, second.node, a->two);
}

static void a_row_of_the_store_is_not_taken_for_the_fleet_s(void **state)
{
	struct ahead a = {0};

	hub_run_wait(f->control->hub, look_ahead, &a);
	assert_int_equal(strlen(a.fleet), HASH_HEX_LEN - 1);
	assert_string_equal(a.ahead, a.is_ahead);
	assert_string_not_equal(a.ahead, a.fleet);
	assert_string_equal(a.again, a.fleet);
	assert_string_equal(a.two, a.is_two); /* the gateway that is named counts */
	assert_string_not_equal(a.two, a.fleet);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_of_the_store_is_not_taken_for_the_fleet_s),
		cmocka_unit_test(each_change_of_a_network_is_followed),
		cmocka_unit_test(each_change_of_gateways_and_policies_is_followed),
		cmocka_unit_test(each_change_of_a_client_is_followed),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
