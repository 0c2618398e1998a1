/* ids.h - tokens in the JSON of a fixture. */
#ifndef LMSCOPE_TESTS_NUMBERS_IDS_H
#define LMSCOPE_TESTS_NUMBERS_IDS_H

#include "engine/base/json.h"

enum { MOST_IDS = 600 }; /* that a fixture has */

/* Returns how many were read, at most `most`. */
static int read_ids(const struct json_value *v, int32_t *ids, int most)
{
	int n = (int)json_count(v) < most ? (int)json_count(v) : most;

	for (int i = 0; i < n; i++) {
		int64_t id = -1;

		json_int(json_at(v, (size_t)i), &id);
		ids[i] = (int32_t)id;
	}
	return n;
}

#endif
