/* neuron_pre.c - see metric.h: what a neuron's activation is computed from. */
#include "engine/run/metric_inner.h"

#include "engine/run/reading.h"

/* clang-format off */
const struct metric_info metric_kind_neuron_pre = {
	.word = "neuron_pre",
	.arguments = "L.N",
	.takes = TAKES_UNIT,
	.site = SITE_MLP_PRE,
	.unit = "activation",
	.help = "what a neuron's activation is computed from, of the gate where there is one: neuron_pre 3.17",
	.of_rows = metric_unit_of_rows,
	.seeds = metric_unit_seeds,
	.read = read_neuron,
	.one_norm = true,
};
/* clang-format on */
