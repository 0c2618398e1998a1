/* mixer.c - see mixer.h. */
#include "engine/run/mixer.h"

#include "engine/base/str.h"

const struct mixer *mixer_of(const struct config *c, int l)
{
	static const struct mixer *const mixers[] = {
		[MIXER_ATTENTION] = &mixer_attention,
		[MIXER_CONV] = &mixer_conv,
	};

	return mixers[config_mixer(c, l)];
}

bool mixer_attends(const struct config *c, int l, struct err *err)
{
	return config_mixer(c, l) == MIXER_ATTENTION ||
	       err_set(err, ERR_ARGUMENT, "layer %d is a short convolution, which has no queries, keys, values or weights", l);
}

bool mixer_all_attend(const struct config *c, struct err *err)
{
	struct str list;
	int n = 0;

	str_init(&list);
	for (int l = 0; l < c->L; l++)
		if (config_mixer(c, l) != MIXER_ATTENTION)
			str_addf(&list, "%s%d", n++ ? ", " : "", l);
	if (n)
		err_set(err, ERR_ARGUMENT,
			"attention would have to be followed through every layer, but of this model layer%s %s %s without any",
			n == 1 ? "" : "s", list.s, n == 1 ? "is a short convolution" : "are short convolutions");
	str_done(&list);
	return !n;
}
