/* DOC: see awaited.h. All wait equally long, so the list is in the order of their ends. */
#include "http/awaited.h"

#include <sys/socket.h>

msec http_request_time = HTTP_REQUEST_TIME;

void http_awaited_came(struct http_awaited_list *l, struct http_awaited *a)
{
	if (a->listed)
		TAILQ_REMOVE(l, a, link);
	a->listed = false;
}

void http_awaited_again(struct http_awaited_list *l, struct http_awaited *a)
{
	http_awaited_came(l, a);
	a->since = clock_mono(&clock_real);
	a->listed = true;
	TAILQ_INSERT_TAIL(l, a, link);
}

void http_awaited_begin(struct http_awaited_list *l, struct http_awaited *a, int fd)
{
	*a = (struct http_awaited){.fd = fd};
	http_awaited_again(l, a);
}

msec http_awaited_cut(struct http_awaited_list *l, msec now)
{
	struct http_awaited *a;

	while ((a = TAILQ_FIRST(l)) != NULL && a->since + http_request_time <= now) {
		http_awaited_came(l, a);
		shutdown(a->fd, SHUT_RDWR); /* the library sees its end, and closes it */
	}
	return a != NULL ? a->since + http_request_time : -1;
}
