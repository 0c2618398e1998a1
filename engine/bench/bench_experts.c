/* bench_experts.c - see bench_experts.h. */
#include "engine/bench/bench_experts.h"

#include "engine/run/experts.h"
#include "engine/run/norms.h"

static bool prepare_pass(struct bench_stand *s, int T, struct err *err)
{
	static const struct variant unedited = { NULL, 0 };

	s->pass = arena_alloc(s->arena, sizeof *s->pass);
	*s->pass =
		(struct pass){ .model = s->model, .T = T, .variants = 1, .variant = &unedited, .stored = true, .arena = s->arena };
	if (!pass_begin(s->pass, err))
		return false;
	s->pass->touched[0] = 0;
	return true;
}

bool bench_prepare_experts(struct bench_stand *s, int T, struct err *err)
{
	const struct config *c = &s->model->config;
	const size_t D = (size_t)c->D;
	struct run_order order = { .model = s->model, .tokens = s->tokens, .T = T };

	s->rows = arena_floats(s->arena, (size_t)c->L * (size_t)T * D, err);
	if (!s->rows || !prepare_pass(s, T, err) || !(s->before = run_new(&order, NULL, err)))
		return false;
	for (int l = 0; l < c->L; l++) {
		const struct edited_norm norm = { s->model, NULL, 0, SITE_LN2, l };

		for (int t = 0; t < T; t++)
			norms_apply(&norm, t, norms_input(s->before, SITE_LN2, l, t),
				    s->rows + ((size_t)l * (size_t)T + (size_t)t) * D, NULL);
	}
	return true;
}

bool bench_do_experts(struct bench_stand *s, int T, struct err *err)
{
	const size_t n = (size_t)T * (size_t)s->model->config.D;

	(void)err;
	for (int l = 0; l < s->model->config.L; l++)
		if (config_mixes(&s->model->config, l)) {
			s->pass->scratch = s->rows + (size_t)l * n;
			experts_run(s->pass, l, s->before->layer[l]);
		}
	return true;
}

static double stored(const struct matrix *w)
{
	return w ? matrix_stored_bytes(w) : 0;
}

/* Is expert x of layer l chosen by any token? */
static bool used(const struct run *r, int l, int x)
{
	int t = 0;

	while (t < r->T && run_choice(r, l, x, t) < 0)
		t++;
	return t < r->T;
}

static double layer_bytes(const struct bench_stand *s, int l, int most)
{
	const struct layer *y = &s->model->layers[l];
	const struct expert *e = y->expert;
	const int X = s->model->config.experts.X;
	double bytes = stored(y->W_router) + stored(y->W_gate) + stored(y->W_in) + stored(y->W_out) + stored(y->W_share);
	int experts = s->before ? 0 : most;

	for (int x = 0; s->before && x < X; x++)
		experts += used(s->before, l, x);
	return bytes + experts * (stored(e->W_gate) + stored(e->W_in) + stored(e->W_out));
}

void bench_cost_experts(const struct bench_stand *s, int T, struct bench_row *row)
{
	const struct config *c = &s->model->config;
	const struct experts *e = &c->experts;
	const int most = T * e->chosen < e->X ? T * e->chosen : e->X;

	row->flops = row->bytes = 0;
	for (int l = 0; l < c->L; l++)
		if (config_mixes(c, l)) {
			row->flops += 2.0 * T * c->D * (3.0 * (e->chosen * e->F + e->shared) + e->X);
			row->bytes += layer_bytes(s, l, most);
		}
}
