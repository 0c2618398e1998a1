/* site.c - see site.h. */
#include "engine/run/site.h"

#include <string.h>

const struct site_info site_table[SITE_COUNT] = {
#define SITE(id, name, unit, width, stored, about) [SITE_##id] = { name, DIM_##unit, (#width)[0], stored },
#include "engine/run/sites.def"
#undef SITE
};

enum site site_find(const char *name)
{
	for (int s = 0; s < SITE_COUNT; s++)
		if (!strcmp(site_table[s].name, name))
			return (enum site)s;
	return SITE_NONE;
}
