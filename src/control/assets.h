/* DOC: files built into the program (embed.c makes assets.c of them). NUL-terminated. */
#ifndef WARREN_CONTROL_ASSETS_H
#define WARREN_CONTROL_ASSETS_H

#include <stddef.h>

extern const char asset_openapi_json[];
extern const size_t asset_openapi_json_len;
extern const char asset_page_html[];
extern const size_t asset_page_html_len;
extern const char asset_docs_html[];
extern const size_t asset_docs_html_len;
extern const char asset_once_html[];
extern const size_t asset_once_html_len;

/* The built panel (web/): a row with path NULL ends it. packed is the same bytes by gzip. */
struct panel_asset {
	const char *path; /* "index.html", "assets/index-1a2b3c4d.js" */
	const char *type;
	const char *etag; /* with its quotes */
	const unsigned char *data;
	size_t len;
	const unsigned char *packed;
	size_t packed_len;
};
extern const struct panel_asset panel_assets[];

#endif
