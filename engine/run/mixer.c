/* mixer.c - see mixer.h. */
#include "engine/run/mixer.h"

const struct mixer *mixer_of(const struct config *c, int l)
{
	static const struct mixer *const mixers[] = {
		[MIXER_ATTENTION] = &mixer_attention,
		[MIXER_CONV] = &mixer_conv,
	};

	return mixers[config_mixer(c, l)];
}
