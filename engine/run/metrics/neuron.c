/* neuron.c - see metric.h: a neuron's activation. */
#include "engine/run/metric_inner.h"

/* clang-format off */
const struct metric_info metric_kind_neuron = {
	.word = "neuron",
	.arguments = "L.N",
	.takes = TAKES_UNIT,
	.site = SITE_MLP_POST,
	.unit = "activation",
	.help = "a neuron's activation: neuron 3.17",
	.instead = "neuron_pre",
	.of_rows = metric_unit_of_rows,
	.seeds = metric_unit_seeds,
};
/* clang-format on */
