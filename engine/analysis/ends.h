/* ends.h - both ends of a row of numbers, one for each token of the vocabulary: the greatest and the least. */
#ifndef LMSCOPE_ENGINE_ANALYSIS_ENDS_H
#define LMSCOPE_ENGINE_ANALYSIS_ENDS_H

#include <stdint.h>

/* ids[the lesser of k, V] of the greatest (sign 1) or the least (−1), the farthest first; of equal ones the lower id. */
void ends_choose(const float *value, int V, int sign, int k, int32_t *ids);
/* value[V] less their mean, which changes no probability. */
void ends_centre(float *value, int V);

#endif
