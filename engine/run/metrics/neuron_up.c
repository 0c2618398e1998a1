/* neuron_up.c - see metric.h: the linear half of a gated neuron. */
#include "engine/run/metric_inner.h"

#include "engine/run/reading.h"

/* clang-format off */
const struct metric_info metric_kind_neuron_up = {
	.word = "neuron_up",
	.arguments = "L.N",
	.takes = TAKES_UNIT,
	.site = SITE_MLP_UP,
	.unit = "activation",
	.help = "the linear half of a gated neuron: neuron_up 3.17",
	.of_rows = metric_unit_of_rows,
	.seeds = metric_unit_seeds,
	.read = read_neuron,
	.one_norm = true,
};
/* clang-format on */
