/*
 * DOC: logging to standard error, one line an event: "<level> message key=value key=value".
 * Only daemons and commands log above debug; rooms below return errors. Values are quoted and
 * escaped, so a name with a newline cannot forge a line. Secret types have no formatter at all.
 *
 *	log_info("peers configured", LOG_KV_INT("count", n), LOG_KV_STR("interface", name));
 */
#ifndef WARREN_BASE_LOG_H
#define WARREN_BASE_LOG_H

#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_value {
	const char *key;
	const char *str; /* NULL = num is meant */
	int64_t num;
};

/* "component=NAME" on every line of this process, and the lowest level written. */
void log_init(const char *component, enum log_level lowest);
void log_write(enum log_level level, const char *message, const struct log_value *values, int n);
int log_level_parse(const char *name, enum log_level *ret_level);

#define LOG_KV_STR(k, s) ((struct log_value){.key = (k), .str = (s) ? (s) : ""})
#define LOG_KV_INT(k, n) ((struct log_value){.key = (k), .num = (int64_t)(n)})
#define LOG_AT(level, message, ...)                                                          \
	do {                                                                                 \
		const struct log_value kv_[] = {{0}, ##__VA_ARGS__};                         \
		log_write(level, message, kv_ + 1, (int)(sizeof(kv_) / sizeof(kv_[0])) - 1); \
	} while (0)
#define log_debug(message, ...) LOG_AT(LOG_DEBUG, message, ##__VA_ARGS__)
#define log_info(message, ...) LOG_AT(LOG_INFO, message, ##__VA_ARGS__)
#define log_warn(message, ...) LOG_AT(LOG_WARN, message, ##__VA_ARGS__)
#define log_error(message, ...) LOG_AT(LOG_ERROR, message, ##__VA_ARGS__)

#endif
