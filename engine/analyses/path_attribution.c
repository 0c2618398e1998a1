/*
 * path_attribution.c - who tells the heads what they say: from each earlier writer, through one head's values, to the metric.
 *
 *   receiver r reads position j with its weight A_ij:    Σ_ij A_ij ⟨N(c_j) W_V^r W_O^r, what the metric reads at i⟩
 *   c_j: what a sender (embedding, head, MLP, bias) wrote there; N: the norm before attention, its scale frozen at j's own value
 *
 * The patterns are frozen, so that a receiver is linear in the stream: its column sums to what head_attribution.c says of it, which
 * is worked out from its own write. The composition of two heads by their values, of Elhage et al. 2021, on one prompt.
 *
 * One vector per receiver and position is what all of its senders are held against; each sender's write is made once for as many
 * receivers as there is room for.
 */
#include "engine/analysis/analysis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/analysis/direct_logit.h"
#include "engine/numbers/kernels.h"

enum { ARG_SENDER };
enum { FROM_ALL, FROM_HEAD, FROM_MLP, FROM_EMBED };
static const struct choice senders[] = {
	{ "all", "all that was written, and the constants: a column sums to its head", FROM_ALL },
	{ "head", "each head", FROM_HEAD },
	{ "mlp", "each MLP", FROM_MLP },
	{ "embed", "the embedding", FROM_EMBED },
	{ 0 },
};
static const struct param params[] = {
	[ARG_SENDER] = { "sender", PARAM_CHOICE, .choices = senders, .help = "where the path begins" },
	{ 0 },
};

enum { ROOM = 64 << 20 }; /* bytes of what receivers read that are held at a time */

struct sender {
	enum site site; /* SITE_NONE: a constant, told by its name */
	int layer, head;
	const char *name;
};

struct path_shares {
	const struct ask *ask;
	struct reading metric; /* what it reads of the receivers' writes */
	int receivers, T;      /* head r % H of layer r / H; positions that are read */
	struct sender *sender; /* [senders] */
	int senders, most;
	double *share;	/* [most, receivers] NaN: no path */
	double *direct; /* [receivers] what the head gives to the metric */
	float *read;	/* [some, T, D] what receivers read */
	int some;	/* whole layers of them */
};

/* ---- senders ---- */

static bool is_sender(const struct sender *s, enum site site, int layer, int head, const char *name)
{
	return s->site == site && s->layer == layer && s->head == head && (site != SITE_NONE || !strcmp(s->name, name));
}

static int find_sender(const struct path_shares *p, enum site site, int layer, int head, const char *name)
{
	for (int i = 0; i < p->senders; i++)
		if (is_sender(&p->sender[i], site, layer, head, name))
			return i;
	return -1;
}

/* Its row of shares; a new one where it is not there yet. */
static double *share_of(struct path_shares *p, enum site site, int layer, int head, const char *name)
{
	int i = find_sender(p, site, layer, head, name);

	if (i < 0) {
		i = p->senders++;
		p->sender[i] = (struct sender){ site, layer, head, arena_strdup(p->ask->scratch, name) };
	}
	return p->share + (size_t)i * (size_t)p->receivers;
}

static double *share_of_head(struct path_shares *p, int layer, int head)
{
	char name[24];

	snprintf(name, sizeof name, "%d.%d", layer, head);
	return share_of(p, SITE_RESULT, layer, head, name);
}

/* Edits of the stream and of what the head makes of it have one row. */
static void add_share(double *share, double more)
{
	*share = more + (isnan(*share) ? 0 : *share);
}

/* Attention's write is its heads', unless an edit put something in its place. What heads send is added later (send). */
static void add_pieces(struct path_shares *p, const struct direct_logit *out, int receiver)
{
	const int H = p->ask->model->config.H;

	for (int i = 0; i < out->pieces; i++) {
		const struct logit_share *piece = &out->piece[i];

		if (piece->site == SITE_ATTN_OUT && !piece->replaced)
			for (int h = 0; h < H; h++)
				add_share(&share_of_head(p, piece->layer, h)[receiver], 0);
		else
			add_share(&share_of(p, piece->site, piece->layer, -1, piece->name)[receiver], piece->share);
	}
}

/* ---- receivers ---- */

/* Of a head: its share, what it reads, and all of its senders but the heads. */
static bool receive(struct path_shares *p, int receiver, float *read, struct err *err)
{
	const struct ask *ask = p->ask;
	const struct config *c = &ask->model->config;
	struct arena *arena = arena_new();
	struct reading reading;
	struct direct_logit out;
	bool ok = reading_of_head(&reading, &p->metric, ask->run, receiver / c->H, receiver % c->H, arena, err) &&
		  direct_logit_of(&out, ask->run, &reading, arena, err);

	if (ok) {
		memcpy(read, reading.direction, (size_t)p->T * (size_t)c->D * sizeof *read);
		p->direct[receiver] = reading.value;
		add_pieces(p, &out, receiver);
	}
	arena_free(arena);
	return ok;
}

/* What a head writes at one position, to the receivers from … from+n-1 that are above it. */
static void send(struct path_shares *p, double *share, int position, const float *write, int from, int n)
{
	const size_t D = (size_t)p->ask->model->config.D;

	for (int r = from; r < from + n; r++)
		if (!isnan(share[r]))
			share[r] +=
				(double)kernel_dot(write, p->read + ((size_t)(r - from) * (size_t)p->T + (size_t)position) * D, D);
}

static bool send_heads(struct path_shares *p, int from, int n, float *write, struct err *err)
{
	const struct config *c = &p->ask->model->config;
	const int layers = (from + n - 1) / c->H; /* below the last receiver */

	for (int l = 0; l < layers; l++) {
		if (!task_step(p->ask->task, p->receivers - from, p->receivers, err))
			return false;
		for (int h = 0; h < c->H; h++) {
			const int sender = find_sender(p, SITE_RESULT, l, h, NULL);

			for (int t = 0; sender >= 0 && t < p->T; t++) { /* none: an edit took its place */
				run_result(p->ask->run, l, h, t, write);
				send(p, p->share + (size_t)sender * (size_t)p->receivers, t, write, from, n);
			}
		}
	}
	return true;
}

static bool fill_shares(struct path_shares *p, struct err *err)
{
	const size_t D = (size_t)p->ask->model->config.D;
	float *write = arena_floats(p->ask->scratch, D, err);

	for (int n, to = p->receivers; write && to > 0; to -= n) { /* the last has all senders: they are in order then */
		const int from = to > p->some ? to - p->some : 0;

		n = to - from;
		for (int r = n - 1; r >= 0; r--)
			if (!task_step(p->ask->task, p->receivers - from - r - 1, p->receivers, err) ||
			    !receive(p, from + r, p->read + (size_t)r * (size_t)p->T * D, err))
				return false;
		if (!send_heads(p, from, n, write, err))
			return false;
	}
	return write != NULL;
}

static bool begin(struct path_shares *p, const struct ask *ask, struct err *err)
{
	const struct config *c = &ask->model->config;
	int layers = 0;
	size_t row, cells;

	*p = (struct path_shares){ .ask = ask };
	if (!reading_init(&p->metric, ask->metric, ask->run, ask->scratch, err))
		return false;
	while (layers < c->L && reading_counts(&p->metric, SITE_ATTN_OUT, layers))
		layers++;
	if (!layers)
		return err_set(err, ERR_ARGUMENT, "path-attribution: no head writes to what %s reads", ask->metric->spec);
	p->T = p->metric.from + p->metric.n;
	p->receivers = layers * c->H;
	row = (size_t)p->T * (size_t)c->D * sizeof *p->read;
	p->some = (int)(ROOM / (row * (size_t)c->H)) * c->H;
	p->some = p->some < c->H ? c->H : p->some > p->receivers ? p->receivers : p->some;
	p->most = layers * (c->H + 2) + 8 + READING_CONSTANTS;
	cells = (size_t)p->most * (size_t)p->receivers;
	if (!(p->sender = arena_array(ask->scratch, (size_t)p->most, sizeof *p->sender, err)) ||
	    !(p->share = arena_array(ask->scratch, cells, sizeof *p->share, err)) ||
	    !(p->direct = arena_array(ask->scratch, (size_t)p->receivers, sizeof *p->direct, err)) ||
	    !(p->read = arena_floats(ask->scratch, (size_t)p->some * (row / sizeof *p->read), err)))
		return false;
	for (size_t i = 0; i < cells; i++)
		p->share[i] = (double)NAN;
	return true;
}

/* ---- the table ---- */

/* Of all receivers the one that is furthest off. Single precision is theirs: what is allowed goes by all that was written. */
static struct check check_of(const struct path_shares *p, struct arena *arena)
{
	const int H = p->ask->model->config.H;
	struct check worst = { 0 };
	double off = -1;

	for (int r = 0; r < p->receivers && !isnan(off); r++) {
		double sum = 0, all = 0, allowed;

		for (int s = 0; s < p->senders; s++) {
			const double share = p->share[(size_t)s * (size_t)p->receivers + (size_t)r];

			sum += isnan(share) ? 0 : share;
			all += isnan(share) ? 0 : fabs(share);
		}
		allowed = 1e-5 * fmax(all, fabs(p->direct[r])) + 1e-6;
		if (fabs(sum - p->direct[r]) / allowed <= off)
			continue;
		off = fabs(sum - p->direct[r]) / allowed; /* NaN is the worst */
		worst = (struct check){ "all writers sum to the head's direct attribution", p->direct[r], sum,
					allowed / fmax(1, fabs(p->direct[r])), arena_printf(arena, "head %d.%d", r / H, r % H) };
	}
	return worst;
}

static bool is_shown(const struct sender *s, int from)
{
	static const enum site site[] = { [FROM_HEAD] = SITE_RESULT, [FROM_MLP] = SITE_MLP_OUT, [FROM_EMBED] = SITE_EMBED };

	return from == FROM_ALL || s->site == site[from] || (from == FROM_HEAD && s->site == SITE_ATTN_OUT);
}

static void name_row(struct table *t, int row, const struct sender *s)
{
	const bool head = s->site == SITE_RESULT;

	axis_text(t, &t->rows, row, s->name, strlen(s->name), head ? arena_printf(t->arena, "head %s", s->name) : s->name);
	axis_place(t, &t->rows, row, place_at(s->site, s->layer, s->head, -1));
}

static void fill(struct table *t, const struct path_shares *p)
{
	const int from = p->ask->arg[ARG_SENDER], H = p->ask->model->config.H;
	int row = 0;

	axis_of(&t->rows, DIM_COMPONENT);
	axis_of(&t->cols, DIM_QUANTITY); /* a cursor of its own: the rows have that of components */
	for (int r = 0; r < p->receivers; r++) {
		axis_label(t, &t->cols, r, arena_printf(t->arena, "%d.%d", r / H, r % H));
		axis_place(t, &t->cols, r, place_at(SITE_RESULT, r / H, r % H, -1));
	}
	for (int s = 0; s < p->senders; s++) {
		if (!is_shown(&p->sender[s], from))
			continue;
		name_row(t, row, &p->sender[s]);
		for (int r = 0; r < p->receivers; r++)
			t->value[table_cell(t, row, r)] = (float)p->share[(size_t)s * (size_t)p->receivers + (size_t)r];
		row++;
	}
	t->rows.name = "sender";
	t->cols.name = "receiver";
	t->check = check_of(p, t->arena);
	table_set_title(t, "path attribution",
			arena_printf(t->arena, "%s → values of heads", from == FROM_ALL ? "all parts" : senders[from].word), NULL);
	table_set_unit(t, metric_unit(p->ask->metric));
	t->footnote = "empty: what is written there comes after what the head reads";
	t->look = LOOK_HEAT;
	t->scale = SCALE_DIVERGING;
	t->explain = METRIC_PART;
	t->paths = true;
}

static struct table *compute(const struct ask *ask, struct err *err)
{
	struct path_shares p;
	struct table *t;
	int rows = 0;

	if (!begin(&p, ask, err) || !fill_shares(&p, err))
		return NULL;
	for (int s = 0; s < p.senders; s++)
		rows += is_shown(&p.sender[s], ask->arg[ARG_SENDER]);
	if (!rows) {
		err_set(err, ERR_ARGUMENT, "path-attribution: no %s writes to what these heads read",
			senders[ask->arg[ARG_SENDER]].word);
		return NULL;
	}
	if ((t = table_new(rows, p.receivers, err)))
		fill(t, &p);
	return t;
}

const struct analysis analysis_path_attribution = {
	.name = "path-attribution",
	.title = "Path attribution",
	.topic = TOPIC_ATTRIBUTION,
	.paper = "Elhage et al. 2021",
	.blurb = "How much each earlier part gives to the metric through the values of each head.",
	.help = "A column is a head, and sums to what that head adds to the metric directly; its rows are who wrote what the head "
		"reads there and hands on. Where it looks is frozen: what a part does for a head's queries and keys is in "
		"score-attribution. The scales of norms are frozen too. x on a cell makes that path the metric.",
	.picture = " sender     3.0   3.1   3.2   receiver: a head\n"
		   " embed      4.1   0.2    ·    3.0 hands on the token itself\n"
		   " head 0.1    ·    3.3    ·  ← 3.1 says what 0.1 told it\n"
		   " 1.mlp      0.2  -0.4   0.1\n"
		   " ────────────────────────\n"
		   " sum        4.3   3.1   0.1   as in head-attribution\n",
	.shape = "sender × receiver",
	.unit = "logit",
	.on = ON_RUN | ON_METRIC,
	.needs = NEEDS_SUM | NEEDS_ATTENTION,
	.cost = COST_VOCABULARY,
	.metrics = METRICS_LINEAR,
	.params = params,
	.compute = compute,
};
