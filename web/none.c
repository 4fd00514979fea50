/* DOC: no panel was built in (-Dpanel=false). */
#include "control/assets.h"

const struct panel_asset panel_assets[] = {{0}};
