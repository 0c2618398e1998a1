/*
 * effect_scale.h - the metric under an intervention as it is, or on the scale of two values of it: the clean one 1, the corrupt one
 * 0.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_EFFECT_SCALE_H
#define LMSCOPE_ENGINE_ANALYSIS_EFFECT_SCALE_H

#include "engine/analysis/analysis.h"

struct effect_scale {
	double clean, corrupt;
	bool normalised; /* otherwise values stay as they are */
};

/* The metric on the prompt's run and on the foil's. */
bool effect_scale_of_prompts(struct effect_scale *s, const struct ask *ask, bool normalised, struct err *err);
/* NaN where the two are as good as equal. */
double effect_scaled(const struct effect_scale *s, double value);
/* For footnotes: "" or "; no difference to normalise by". */
const char *effect_scale_remark(const struct effect_scale *s);
/* "logit: prompt (clean) 20.1, foil (corrupt) 14.4", with the remark. From the table's memory. */
const char *effect_scale_footnote(const struct effect_scale *s, const struct ask *ask, struct table *t);

#endif
