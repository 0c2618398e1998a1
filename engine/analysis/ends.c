/* ends.c - see ends.h. */
#include "engine/analysis/ends.h"

#include <string.h>

void ends_choose(const float *value, int V, int sign, int k, int32_t *ids)
{
	int n = 0;

	for (int v = 0; v < V; v++) {
		int at = n;

		while (at > 0 && (float)sign * value[v] > (float)sign * value[ids[at - 1]])
			at--;
		if (at == k)
			continue;
		n += n < k;
		memmove(ids + at + 1, ids + at, (size_t)(n - 1 - at) * sizeof *ids);
		ids[at] = v;
	}
}

void ends_centre(float *value, int V)
{
	double mean = 0;

	for (int v = 0; v < V; v++)
		mean += (double)value[v] / V;
	for (int v = 0; v < V; v++)
		value[v] -= (float)mean;
}
