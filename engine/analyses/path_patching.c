/*
 * path_patching.c - what goes from a sender straight to a receiver: the difference between two prompts along one path.
 *
 *   1. the sender (a head, an MLP, the embedding) gets its value of the other prompt; all attention after it is held at this run's
 *      own values (and all MLPs, with mlps=frozen): what changes in the receiver's input has come on the direct path
 *   2. the receiver computes what it makes of that input - its norm too - and a run with nothing but this value changed gives the
 *      metric
 *
 * Wang et al. 2023 (MLPs recomputed), Goldowsky-Dill et al. 2023. Exact: nothing is linearised. The receiver is the logits, one
 * head's queries, keys or values, or one MLP.
 */
#include "engine/analysis/effect_scale.h"
#include "engine/analysis/patching.h"

#include <math.h>
#include <string.h>

enum { ARG_SENDER, ARG_RECEIVER, ARG_LAYER, ARG_HEAD, ARG_MLPS, ARG_DIRECTION, ARG_SHOW };
enum { FROM_HEAD, FROM_MLP, FROM_EMBED };
enum { TO_LOGITS, TO_Q, TO_K, TO_V, TO_MLP };
enum { MLPS_RECOMPUTED, MLPS_FROZEN };
enum { SHOW_NORMALISED, SHOW_RAW };
static const struct choice sources[] = {
	{ "head", "each head", FROM_HEAD },
	{ "mlp_out", "each MLP, at each position", FROM_MLP },
	{ "embed", "the embedding, at each position", FROM_EMBED },
	{ 0 },
};
static const struct choice receivers[] = {
	{ "logits", "the final norm and unembedding", TO_LOGITS },
	{ "q", "a head's queries", TO_Q },
	{ "k", "the keys of a head's key/value head", TO_K },
	{ "v", "the values of a head's key/value head", TO_V },
	{ "mlp_in", "what an MLP reads", TO_MLP },
	{ 0 },
};
static const struct choice between[] = {
	{ "recomputed", "they pass the difference on", MLPS_RECOMPUTED },
	{ "frozen", "the direct path alone counts", MLPS_FROZEN },
	{ 0 },
};
static const struct choice shown[] = {
	{ "normalised", "1 = as on the prompt, 0 = as on the foil", SHOW_NORMALISED },
	{ "raw", "the metric itself", SHOW_RAW },
	{ 0 },
};
static const struct param params[] = {
	[ARG_SENDER] = { "sender", PARAM_CHOICE, .choices = sources, .help = "where the path begins" },
	[ARG_RECEIVER] = { "receiver", PARAM_CHOICE, .choices = receivers, .help = "where it ends" },
	[ARG_LAYER] = { "layer", PARAM_DIM, DIM_LAYER, .pinned = true, .start = -1, .help = "the receiver's" },
	[ARG_HEAD] = { "head", PARAM_DIM, DIM_HEAD, .pinned = true,
		       .help = "the receiver's; for k and v, the key/value head that it uses" },
	[ARG_MLPS] = { "mlps", PARAM_CHOICE, .choices = between, .help = "the MLPs between the two" },
	[ARG_DIRECTION] = { "direction", PARAM_CHOICE, .choices = patching_directions, .help = "which value is put where" },
	[ARG_SHOW] = { "show", PARAM_CHOICE, .choices = shown, .help = "what a cell is" },
	{ 0 },
};

enum { BATCH = 64 }; /* senders whose receiver's rows are held at a time */

struct patched_paths {
	const struct ask *ask;
	struct cause first, second;   /* the sender patched, all else held; the receiver patched */
	struct edit *attention, *mlp; /* [L] what holds a layer's attention and MLP at the base's values */
	const struct edit **held;     /* [L, 2L] for a sender in layer l: what is held after it */
	struct edit *put;	      /* [senders] the receiver's value */
	const struct edit **put_of;   /* [senders] */
	float *rows;		      /* [BATCH, T, width] */
	struct place place;	      /* of the receiver; to the logits: PLACE_NONE */
	size_t from, width;	      /* of it, in a row of its site */
	int columns;
};

static int receiver(const struct ask *ask)
{
	return ask->arg[ARG_RECEIVER];
}

/* The site that the receiver computes from its input, and which part of a row. */
static struct place place_of(const struct ask *ask)
{
	static const enum site site[] = { [TO_Q] = SITE_Q, [TO_K] = SITE_K, [TO_V] = SITE_V, [TO_MLP] = SITE_MLP_OUT };
	const struct config *c = &ask->model->config;
	int head = ask->arg[ARG_HEAD], unit = receiver(ask) == TO_Q ? head : config_kv_head(c, head);

	if (receiver(ask) == TO_LOGITS)
		return PLACE_NONE;
	return place_at(site[receiver(ask)], ask->arg[ARG_LAYER], receiver(ask) == TO_MLP ? -1 : unit, -1);
}

/* Whether a sender in layer l can be read by the receiver. */
static bool reaches(const struct ask *ask, int l)
{
	bool mlp_reads_attention = receiver(ask) == TO_MLP && ask->arg[ARG_SENDER] == FROM_HEAD && !ask->model->config.parallel;

	if (receiver(ask) == TO_LOGITS || ask->arg[ARG_SENDER] == FROM_EMBED)
		return true;
	return l < ask->arg[ARG_LAYER] || (l == ask->arg[ARG_LAYER] && mlp_reads_attention);
}

/*
 * What is held when the sender is in layer l: every attention after it, up to the receiver. A head's own layer has its MLP after
 * it; an MLP's and the embedding's "after" begins with the next attention. Returns how many.
 */
static int hold(const struct patched_paths *p, int l, const struct edit **list)
{
	const struct ask *ask = p->ask;
	int n = 0, sender = ask->arg[ARG_SENDER], attention_from = sender == FROM_EMBED ? 0 : l + 1,
	    mlp_from = sender == FROM_HEAD ? l : attention_from;
	int L = ask->model->config.L, to = receiver(ask) == TO_LOGITS ? L : ask->arg[ARG_LAYER];

	for (int k = attention_from; k < L && (k < to || (k == to && receiver(ask) == TO_MLP)); k++)
		list[n++] = &p->attention[k];
	for (int k = mlp_from; ask->arg[ARG_MLPS] == MLPS_FROZEN && k < to; k++)
		list[n++] = &p->mlp[k];
	return n;
}

static void describe_sender(struct patched_paths *p, int i)
{
	static const enum site site[] = { [FROM_HEAD] = SITE_RESULT, [FROM_MLP] = SITE_MLP_OUT, [FROM_EMBED] = SITE_EMBED };
	int layer = i / p->columns, L = p->ask->model->config.L, sender = p->ask->arg[ARG_SENDER];
	struct place place =
		place_at(site[sender], layer, sender == FROM_HEAD ? i % p->columns : -1, sender == FROM_HEAD ? -1 : i % p->columns);

	cause_edit(&p->first, i, &place, EDIT_PATCH);
	p->first.variant[i].more = p->held + (size_t)layer * 2 * (size_t)L;
	p->first.variant[i].more_count = hold(p, layer, p->held + (size_t)layer * 2 * (size_t)L);
}

/* Variants of both steps, for every sender of the table. */
static bool begin(struct patched_paths *p, const struct ask *ask, int columns, int n, struct err *err)
{
	bool denoising = ask->arg[ARG_DIRECTION] == DENOISING;
	const struct run *base = denoising ? ask->foil : ask->run, *source = denoising ? ask->run : ask->foil;
	int L = ask->model->config.L;

	*p = (struct patched_paths){ .ask = ask,
				     .first = cause_new(ask, base, source, n),
				     .second = cause_new(ask, base, source, n),
				     .place = place_of(ask),
				     .columns = columns };
	if (p->place.site != SITE_NONE)
		p->width = place_slice(&p->place, &ask->model->config, &p->from);
	p->attention = arena_alloc(ask->scratch, (size_t)L * sizeof *p->attention);
	p->mlp = arena_alloc(ask->scratch, (size_t)L * sizeof *p->mlp);
	p->held = arena_alloc(ask->scratch, (size_t)(2 * L * L) * sizeof *p->held);
	p->put = arena_alloc(ask->scratch, (size_t)n * sizeof *p->put);
	p->put_of = arena_alloc(ask->scratch, (size_t)n * sizeof *p->put_of);
	p->rows = arena_floats(ask->scratch, (size_t)(BATCH * base->T) * p->width, err);
	for (int l = 0; l < L; l++) {
		p->attention[l] = edit_take(place_at(SITE_ATTN_OUT, l, -1, -1), base);
		p->mlp[l] = edit_take(place_at(SITE_MLP_OUT, l, -1, -1), base);
	}
	for (int i = 0; i < n; i++) {
		describe_sender(p, i);
		p->put_of[i] = &p->put[i];
		p->second.variant[i].more = &p->put_of[i];
		p->second.variant[i].more_count = 1;
	}
	return p->rows != NULL;
}

/* The edit that gives the receiver rows[T, width]; those before `from` are the base's own. */
static struct edit put_rows(const struct patched_paths *p, const float *rows, int from)
{
	return edit_put(p->place, rows + (size_t)from * p->width, from, p->first.base->T - from);
}

/* value[n] of senders i … i+n-1: both steps, or, to the logits, the first alone. */
static bool batch(struct patched_paths *p, int i, int n, struct err *err)
{
	const struct ask *ask = p->ask;
	const struct run *base = p->first.base, *source = p->first.source;
	size_t rows = (size_t)base->T * p->width;
	double *value = p->second.value + i;

	if (receiver(ask) == TO_LOGITS)
		return sweep_metric(base, ask->unedited, source, ask->metric, p->first.variant + i, n, value, ask->task, err);
	if (!sweep_read(base, ask->unedited, source, &p->place, base->T, p->first.variant + i, n, p->rows, ask->task, err))
		return false;
	for (int k = 0; k < n; k++)
		p->put[i + k] =
			put_rows(p, p->rows + (size_t)k * rows, ask->arg[ARG_SENDER] == FROM_HEAD ? 0 : (i + k) % p->columns);
	return sweep_metric(base, ask->unedited, NULL, ask->metric, p->second.variant + i, n, value, ask->task, err);
}

/* The strongest cell again, by two whole runs: nothing of the sweep is shared with them. */
static bool check(struct patched_paths *p, int best, double now, struct table *t, struct err *err)
{
	const struct ask *ask = p->ask;
	size_t width = p->width, T = (size_t)p->first.base->T;
	struct run *sent = cause_run(&p->first, best, err), *got = NULL;
	double value = 0;

	if (sent && receiver(ask) == TO_LOGITS) {
		got = run_ref(sent);
	} else if (sent) {
		for (size_t i = 0; i < T; i++)
			memcpy(p->rows + i * width, run_at(sent, p->place.site, p->place.layer, (int)i) + p->from,
			       width * sizeof *p->rows);
		p->put[best] = put_rows(p, p->rows, 0);
		got = cause_run(&p->second, best, err);
	}
	run_unref(sent);
	if (!got || !metric_value(ask->metric, got, ask->unedited, &value, ask->task, err)) {
		run_unref(got);
		return false;
	}
	run_unref(got);
	t->check = (struct check){ "strongest cell, by whole runs", value - now, p->second.value[best] - now, 1e-4 };
	return true;
}

/* What is held is held at the run's own values, and freeze at the unedited run's: whether they are the same in layer l. */
static bool is_unedited(const struct ask *ask, int l)
{
	const struct run *r = ask->run, *u = ask->unedited ? ask->unedited : r;
	size_t bytes = (size_t)ask->model->config.D * sizeof(float);
	bool same = true;

	for (int i = 0; r != u && same && i < r->T; i++)
		same = !memcmp(run_at(r, SITE_ATTN_OUT, l, i), run_at(u, SITE_ATTN_OUT, l, i), bytes) &&
		       (ask->arg[ARG_MLPS] != MLPS_FROZEN ||
			!memcmp(run_at(r, SITE_MLP_OUT, l, i), run_at(u, SITE_MLP_OUT, l, i), bytes));
	return same;
}

/* To the logits a cell is the effect of edits that a person can make: the sender patched, and what is held after it frozen. */
static void tell_edits(struct table *t, const struct patched_paths *p, int n)
{
	const struct ask *ask = p->ask;
	int L = ask->model->config.L, same_from = L;
	struct edit *edit = arena_alloc(ask->scratch, (size_t)(2 * L + 1) * sizeof *edit);

	while (same_from > 0 && is_unedited(ask, same_from - 1))
		same_from--;
	for (int i = 0; i < n; i++) {
		const struct sweep_variant *v = &p->first.variant[i];
		bool same = true;

		edit[0] = *v->edit[0];
		for (int k = 0; k < v->more_count; k++) {
			same = same && v->more[k]->place.layer >= same_from;
			edit[1 + k] = edit_at(&v->more[k]->place, EDIT_FREEZE, ask->scratch);
		}
		if (same)
			table_set_edits(t, (size_t)i, edit, 1 + v->more_count);
	}
}

static void tell(struct table *t, const struct patched_paths *p, int n)
{
	if (p->ask->arg[ARG_DIRECTION] == DENOISING)
		t->no_edit = cause_denoised;
	else if (receiver(p->ask) == TO_LOGITS)
		tell_edits(t, p, n);
	else
		t->no_edit = "this cell changes what one receiver reads and nothing else, which no edit can say; cells of "
			     "receiver=logits can be applied";
	if (!t->edits && !t->no_edit)
		t->no_edit = "other edits change what this cell holds as it is, so that it cannot be applied beside them; E "
			     "switches them off";
}

static int rows(const struct ask *ask)
{
	return ask->arg[ARG_SENDER] == FROM_EMBED ? 1 : ask->model->config.L;
}

static int columns(const struct ask *ask)
{
	return ask->arg[ARG_SENDER] == FROM_HEAD ? ask->model->config.H : ask->run->T;
}

/* The first so many of the table: layers are in order. */
static int senders_that_reach(const struct ask *ask)
{
	int reach = 0;

	while (reach < rows(ask) && reaches(ask, reach))
		reach++;
	return reach * columns(ask);
}

static void cells(struct table *t, const struct patched_paths *p, const struct effect_scale *scale, int from, int n)
{
	for (int i = from; i < from + n; i++)
		t->value[i] = (float)effect_scaled(scale, p->second.value[i]);
}

static bool fill(struct table *t, const struct ask *ask, struct err *err)
{
	struct effect_scale scale;
	int n = t->rows.n * t->cols.n, reach = senders_that_reach(ask), best = 0;
	double now;
	struct patched_paths p;

	if (!begin(&p, ask, t->cols.n, n, err) || !effect_scale_of_prompts(&scale, ask, ask->arg[ARG_SHOW] == SHOW_NORMALISED, err))
		return false;
	tell(t, &p, reach);
	now = ask->arg[ARG_DIRECTION] == DENOISING ? scale.corrupt : scale.clean;
	t->neutral = (float)(scale.normalised ? ask->arg[ARG_DIRECTION] == NOISING : now);
	for (int i = 0; i < reach; i += BATCH) {
		int some = reach - i < BATCH ? reach - i : BATCH;

		task_part(ask->task, i, some, reach);
		if (!batch(&p, i, some, err))
			return false;
		cells(t, &p, &scale, i, some);
		if (ask_watched(ask))
			ask_show(ask, t);
	}
	task_part(ask->task, 0, 0, 0);
	for (int i = 0; i < reach; i++)
		if (fabs(p.second.value[i] - now) > fabs(p.second.value[best] - now))
			best = i;
	t->footnote = effect_scale_footnote(&scale, ask, t);
	return !reach || check(&p, best, now, t, err);
}

static const char *receiver_text(const struct ask *ask, struct arena *arena)
{
	int layer = ask->arg[ARG_LAYER], head = ask->arg[ARG_HEAD];

	if (receiver(ask) == TO_LOGITS)
		return "the logits";
	if (receiver(ask) == TO_MLP)
		return arena_printf(arena, "the MLP of layer %d", layer);
	if (receiver(ask) == TO_Q)
		return arena_printf(arena, "the queries of head %d.%d", layer, head);
	return arena_printf(arena, "the %s of KV head %d.%d", receiver(ask) == TO_K ? "keys" : "values", layer,
			    config_kv_head(&ask->model->config, head));
}

static void describe(struct table *t, const struct ask *ask)
{
	static const char *const senders[] = { "heads", "MLPs", "the embedding" };
	bool denoising = ask->arg[ARG_DIRECTION] == DENOISING, raw = ask->arg[ARG_SHOW] == SHOW_RAW;
	static const enum site site[] = { SITE_RESULT, SITE_MLP_OUT, SITE_EMBED };
	int sender = ask->arg[ARG_SENDER];

	table_set_title(t, "path patching", arena_printf(t->arena, "%s → %s", senders[sender], receiver_text(ask, t->arena)),
			arena_printf(t->arena, "%s, MLPs %s", cause_direction(denoising),
				     ask->arg[ARG_MLPS] == MLPS_FROZEN ? "frozen" : "recomputed"));
	table_set_unit(t, raw ? metric_unit(ask->metric) : "normalised");
	if (sender == FROM_EMBED) { /* one row, of the embedding */
		axis_of(&t->rows, DIM_COMPONENT);
		axis_label(t, &t->rows, 0, "embed");
		axis_place(t, &t->rows, 0, place_at(SITE_EMBED, 0, -1, -1));
	} else {
		axis_numbers(t, &t->rows, DIM_LAYER);
	}
	if (sender == FROM_HEAD)
		axis_numbers(t, &t->cols, DIM_HEAD);
	else
		axis_tokens(t, &t->cols, ask->run, DIM_POSITION, "position");
	t->look = LOOK_HEAT;
	t->scale = SCALE_DIVERGING;
	t->meaning = raw ? NULL : "1 = prompt, 0 = foil";
	t->place.site = site[sender];
	t->explain = METRIC_PART;
	t->explain_other = cause_no_number;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	int sender = ask->arg[ARG_SENDER];
	struct table *t;

	if (ask->foil->T != ask->run->T) {
		err_set(err, ERR_ARGUMENT, "path-patching needs prompt and foil of equally many tokens; they have %d and %d",
			ask->run->T, ask->foil->T);
		return NULL;
	}
	if (sender != FROM_EMBED && !reaches(ask, 0)) {
		err_set(err, ERR_ARGUMENT, "path-patching: there is no %s before layer %d; choose a later receiver",
			sender == FROM_HEAD ? "head" : "MLP", ask->arg[ARG_LAYER]);
		return NULL;
	}
	if (!(t = table_new(rows(ask), columns(ask), err)))
		return NULL;
	describe(t, ask);
	return table_if(fill(t, ask, err), t);
}

/* Both steps of every sender that reaches the receiver, and of the strongest alone; to the logits there is but one step. */
static int runs(const struct ask *ask)
{
	return (senders_that_reach(ask) + 1) * (receiver(ask) == TO_LOGITS ? 1 : 2);
}

const struct analysis analysis_path_patching = {
	.name = "path-patching",
	.title = "Path patching",
	.topic = TOPIC_CAUSAL,
	.paper = "Wang et al. 2023, Goldowsky-Dill et al. 2023",
	.blurb = "How the metric moves when one part's value of the other prompt reaches one receiver alone.",
	.help = "Activation patching says that a head matters; this says whom it speaks to. The sender's value of the other prompt "
		"travels to the receiver directly (through MLPs in between, unless mlps=frozen); every attention in between, and "
		"everything that does not go through the receiver, is as it was. Find the heads that write to the logits first, "
		"then those that write to their queries, keys and values.",
	.picture = " sender   0     1     2     3    receiver: logits\n"
		   "   3      ·   -2.1    ·    0.8 ← these speak to the output\n"
		   "   2      ·     ·     ·     ·\n"
		   " then with that head's query as the receiver:\n"
		   "   2    -1.4    ·     ·     ·  ← this one tells it where\n"
		   "   1      ·     ·     ·     ·    to look\n",
	.shape = "layer × head, layer × position, component × position",
	.unit = "normalised, or the metric's",
	.on = ON_RUN | ON_FOIL | ON_METRIC,
	.cost = COST_RUNS,
	.runs = runs,
	.needs = NEEDS_FOIL,
	.metrics = METRICS_ANY_PROMPT,
	.params = params,
	.compute = compute,
};
