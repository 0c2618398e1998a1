/*
 * expectations.c - what every shipped preset of the demo model expects holds on it, and speaks of that model: with the named
 * part of the mechanism taken out, each of its lines drifts.
 */
#include <stdlib.h>

#include "engine/base/paths.h"
#include "engine/preset/preset.h"
#include "engine/session/session.h"
#include "tests/scratch.h"
#include "tests/tap.h"

enum { PARTS = 4 };

/* The parts that a preset is about, as edits that take them out. */
static const struct {
	const char *preset;
	const char *edit[PARTS];
} ablations[] = {
	{ "ablation_sweep", { "head 0.0 zero", "head 0.1 zero", "head 3.1 zero" } },
	{ "activation_patching", { "head 0.0 zero", "attn_out 3 zero" } },
	{ "atman", { "head 0.0 zero", "attn_out 3 zero" } },
	{ "attribution_compare", { "head 0.0 zero", "attn_out 3 zero" } },
	{ "alti_logit", { "head 0.0 zero", "attn_out 3 zero" } },
	{ "attention", { "scores 0.0 zero" } },
	{ "attention_knockout", { "attn_out 3 zero" } },
	{ "attention_overview", { "scores 0.0 zero", "pattern 3.3 zero" } },
	{ "attention_sink", { "scores 3.0 zero", "mlp_out 2 zero" } },
	{ "attribution_patching", { "head 0.0 zero", "head 3.1 zero", "attn_out 3 zero" } },
	{ "backward_lens", { "mlp_out 3 zero", "attn_out 3 zero" } },
	{ "bigrams", { "mlp_out 0 zero" } },
	{ "causal_tracing", { "attn_out 0 zero", "attn_out 3 zero" } },
	{ "composition", { "head 0.2 zero", "head 1.3 zero" } },
	{ "context_mixing", { "attn_out 3 zero" } },
	{ "context_reliance", { "head 0.0 zero", "attn_out 3 zero" } },
	{ "context_rollout", { "attn_out 3 zero" } },
	{ "direct_attribution", { "head 3.0..4 zero" } },
	{ "future_lens", { "head 0.0 zero", "attn_out 0 zero" } },
	{ "geometry", { "mlp_out 3 zero", "attn_out 0 zero", "mlp_out 0 zero" } },
	{ "gradient_x_input", { "head 0.0 zero", "attn_out 3 zero" } },
	{ "head_attribution", { "head 0.0 zero", "head 0.1 zero", "head 3.3 zero" } },
	{ "indirect_object", { "head 3.0 zero", "head 3.2 zero", "head 0.0 zero" } },
	{ "indirect_object_patching", { "head 3.0 zero", "head 3.2 zero" } },
	{ "information_flow", { "head 3.0 zero", "head 3.2 zero", "head 0.0 zero" } },
	{ "induction", { "head 0.0 zero", "head 3.0 zero" } },
	{ "induction_ablated", { "head 0.2 zero" } },
	{ "induction_knockout", { "head 0.0 zero", "attn_out 3 zero" } },
	{ "integrated_gradients", { "head 0.0 zero", "attn_out 3 zero" } },
	{ "fit_jacobian_lens", { "attn_out 2 zero", "attn_out 0 zero" } },
	{ "jacobian_lens", { "attn_out 3 zero", "attn_out 0 zero", "mlp_out 0 zero" } },
	{ "lime", { "head 0.0 zero", "attn_out 3 zero" } },
	{ "logit_lens", { "attn_out 0 zero", "attn_out 3 zero" } },
	{ "next_token", { "attn_out 0 zero" } },
	{ "neuron_vocabulary", { "attn_out 3 zero" } },
	{ "nodes", { "head 0.1 zero", "head 3.0 zero", "head 3.3 zero", "mlp_out 3 zero" } },
	{ "occlusion", { "head 0.0 zero", "attn_out 3 zero" } },
	{ "patchscope", { "attn_out 3 zero", "attn_out 0 zero" } },
	{ "path_attribution", { "head 0.1 zero", "mlp_out 0 zero", "attn_out 3 zero" } },
	{ "path_patching", { "pattern 0.1 zero", "head 2.2..3 zero" } },
	{ "previous_token", { "pattern 0.0 zero" } },
	{ "projection", { "mlp_out 2 zero", "mlp_out 0 zero" } },
	{ "reagent", { "head 0.0 zero", "attn_out 3 zero" } },
	{ "relevance", { "head 0.0 zero", "attn_out 3 zero" } },
	{ "residual_norms", { "mlp_out 3 zero", "attn_out 0 zero" } },
	{ "score_attribution", { "head 0.0 zero", "head 0.1 zero" } },
	{ "self_repair", { "head 2.1 zero" } },
	{ "shapley", { "head 0.0 zero", "attn_out 3 zero" } },
	{ "singular_vectors", { "head 2.1 zero" } },
	{ "smoothgrad", { "head 0.0 zero", "attn_out 3 zero" } },
	{ "spectral_bands", { "mlp_out 3 zero", "attn_out 3 zero", "mlp_out 2 zero", "attn_out 0 zero" } },
	{ "steering", { "resid_post 2 add presets/steering.npy -2" } },
	{ "stream_similarity", { "mlp_out 3 zero", "mlp_out 0 zero", "mlp_out 1 zero" } },
	{ "subspace_interchange", { "attn_out 2 zero" } },
	{ "token_loss", { "head 0.0 zero", "attn_out 3 zero" } },
	{ "which_sentence_mattered", { "head 3.2 zero", "attn_out 0 zero" } },
	{ "which_words_made_it_sad", { "head 3.2 zero", "attn_out 0 zero" } },
	{ "why_this_name", { "head 0.1 zero", "head 2.1 zero", "head 3.0 zero", "head 3.3 zero" } },
	{ "train_tuned_lens", { "attn_out 0 zero", "attn_out 3 zero" } },
	{ "tuned_lens", { "attn_out 0 zero", "attn_out 3 zero" } },
};

struct holding {
	const char *name;
	bool holds;
};

/* `top 3 has "head 3.3"`: where that holds, what is told of the three names it. */
static void check_told(const char *expected, const char *actual)
{
	const char *has = strstr(expected, " has ");

	CHECK_THAT(!has || has[strlen(" has ")] != '"' || strstr(actual, has + strlen(" has ")), "%s: %s", expected, actual);
}

static void held(void *context, int pane, bool ok, const char *expected, const char *actual)
{
	const struct holding *h = context;

	CHECK_THAT(ok == h->holds, "%s, pane %d: %s %s (%s)", h->name, pane + 1, expected,
		   h->holds ? "holds" : "drifts with the part taken out", actual);
	if (ok)
		check_told(expected, actual);
}

static void hold_all(struct session *session, const struct preset *p, const char *name, bool holds)
{
	struct holding h = { name, holds };
	struct err err = { 0 };
	double metric, unedited;

	if (!CHECK_THAT(session_prepare(session, &p->job, NULL, NULL, &err) &&
				session_metric_values(session, &metric, &unedited, NULL, &err),
			"%s: prepares %s", name, err.text))
		return;
	preset_hold(p, -1, NULL, metric, held, &h);
	for (int i = 0; i < p->job.panes; i++) {
		struct table *t = session_answer(session, i, NULL, NULL, &err);

		if (CHECK_THAT(t, "%s: answers pane %d %s", name, i + 1, err.text))
			preset_hold(p, i, t, metric, held, &h);
		table_unref(t);
	}
}

static void take_parts_out(struct session *session, struct preset *p, const char *name)
{
	for (size_t i = 0; i < sizeof ablations / sizeof *ablations; i++) {
		if (strcmp(ablations[i].preset, name))
			continue;
		for (int k = 0; k < PARTS && ablations[i].edit[k]; k++)
			job_add_edit(&p->job, ablations[i].edit[k]);
		hold_all(session, p, name, false);
		return;
	}
	CHECK_THAT(false, "%s: which part is it about? it has no row here", name);
}

static void check(struct session *session, const struct preset_entry *entry)
{
	struct err err = { 0 };
	struct preset p;

	if (!CHECK_THAT(preset_open(entry->path, &p, NULL, &err), "%s %s", entry->name, err.text))
		return;
	if (strcmp(p.job.model, "demo")) {
		tap_skip("%s is about %s, which does not ship", entry->name, p.job.model);
		preset_done(&p);
		return;
	}
	CHECK_THAT(p.expects > 0, "%s says what it expects", entry->name);
	hold_all(session, &p, entry->name, true);
	take_parts_out(session, &p, entry->name);
	preset_done(&p);
}

int main(void)
{
	struct session *session = session_new();
	struct preset_entry *list;
	int n;

	setenv("LMSCOPE_SHARE", ".", 1);
	setenv("XDG_DATA_HOME", scratch_folder(), 1); /* for what a preset trains */
	n = preset_list(&list);
	for (int i = 0; i < n; i++)
		if (list[i].shipped && tap_takes(0, (size_t)i, 4))
			check(session, &list[i]);
	preset_list_free(list, n);
	session_free(session);
	scratch_done();
	return tap_done();
}
