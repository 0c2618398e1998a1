/* gradient_x_input.c - gradient × input of a token is the metric's slope as that embedding grows. */
#include "tests/analyses/gradients.h"

static void check_input(const struct setting *s, const struct gradient *g)
{
	const double step = 0.02;
	struct table *product = gradient_answer(s, "gradient-x-input", NULL, g, NULL),
		     *norm = gradient_answer(s, "gradient-x-input", NULL, g, "show=norm"),
		     *l1 = gradient_answer(s, "gradient-x-input", NULL, g, "show=l1");
	double worst = 0, sum = 0;
	float length = 0, *d = xmalloc((size_t)s->run->model->config.D * sizeof *d);

	/* Where nothing is added to an embedding or normalises it, an edit there is one on the input. */
	for (int t = 0; product && !s->run->model->W_pos && !s->run->model->embed_norm.there && t < s->run->T; t++) {
		char line[100];
		double longer, shorter;

		snprintf(line, sizeof line, "embed 0 @%d scale %.9g", t, 1 + step);
		longer = value_of(s, line, NULL);
		snprintf(line, sizeof line, "embed 0 @%d scale %.9g", t, 1 - step);
		shorter = value_of(s, line, NULL);
		worst = fmax(worst, fabs((longer - shorter) / (2 * step) - (double)product->value[t]));
	}
	CHECK_THAT(worst < 5e-3, "%s: products are slopes, within %.2g", s->name, worst);
	CHECK_THAT(product && check_holds(&product->check) &&
			   (fabs(product->check.expected) > 0.1 || s->run->model->embed_norm.there),
		   "%s: together %.5f, measured %.5f", s->name, product ? product->check.actual : NAN,
		   product ? product->check.expected : NAN);
	gradient_input(g, 0, d);
	for (int i = 0; i < s->run->model->config.D; i++) {
		length += powf(d[i], 2);
		sum += fabs((double)d[i]);
	}
	free(d);
	if (norm)
		CHECK_THAT(fabsf(norm->value[0] - sqrtf(length)) <= 1e-5f * sqrtf(length), "%s: norm %g", s->name,
			   (double)norm->value[0]);
	if (l1)
		CHECK_THAT(fabs((double)l1->value[0] - sum) <= 1e-6 * sum, "%s: l1 %g", s->name, (double)l1->value[0]);
	table_unref(product);
	table_unref(l1);
	table_unref(norm);
}

int main(void)
{
	gradients_each(check_input);
	return tap_done();
}
