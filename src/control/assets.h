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

#endif
