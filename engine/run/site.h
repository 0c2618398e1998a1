/* site.h - the named activations of sites.def as an enum, with what is known of each. */
#ifndef LMSCOPE_ENGINE_RUN_SITE_H
#define LMSCOPE_ENGINE_RUN_SITE_H

#include <stdbool.h>

#include "engine/run/dim.h"

enum site {
#define SITE(id, name, unit, width, stored, about) SITE_##id,
#include "engine/run/sites.def"
#undef SITE
	SITE_COUNT,
	SITE_NONE = -1,
};

struct site_info {
	const char *name;
	enum dim unit; /* DIM_NONE, DIM_HEAD, DIM_KV_HEAD, DIM_NEURON */
	char width;    /* 'D', 'K', 'T', 'F', 'V', '1' */
	bool stored;
};

extern const struct site_info site_table[SITE_COUNT];

enum site site_find(const char *name); /* SITE_NONE when there is none */

#endif
