/* circuit.c - see circuit.h. */
#include "engine/preset/circuit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/conf.h"
#include "engine/base/file.h"

enum { VERSION = 1, FILE_MOST = 1 << 20 };

/* ---- nodes ---- */

static bool is_place(const char *text)
{
	struct place unused;
	struct err ignored;

	return place_parse(text, 0, &unused, "", &ignored);
}

/* "part head 3.0 of …": of what the part is. NULL: the metric is no part. */
static const char *part_place(const char *spec, struct arena *arena)
{
	static const char part[] = "part ";
	const char *end = strstr(spec, " of ");

	if (strncmp(spec, part, strlen(part)) || !end)
		return NULL;
	return arena_printf(arena, "%.*s", (int)(end - spec) - (int)strlen(part), spec + strlen(part));
}

/* What decides a neuron is at that neuron. */
static const char *neuron_place(const char *spec, struct arena *arena)
{
	static const char *const words[] = { "neuron_pre ", "neuron_up " };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strncmp(spec, words[i], strlen(words[i])))
			return arena_printf(arena, "neuron %s", spec + strlen(words[i]));
	return NULL;
}

/* Where a metric is: the place that its spec ends with, "scores 3.1 @13<4", "norm resid_post 2 @5"; or the metric itself. */
static const char *node_of(const char *spec, struct arena *arena)
{
	const char *part = part_place(spec, arena), *neuron = neuron_place(spec, arena);

	if (part || neuron)
		return part ? part : neuron;
	for (const char *s = spec; s; s = strchr(s, ' ') ? strchr(s, ' ') + 1 : NULL)
		if (is_place(s))
			return arena_printf(arena, "%s", s);
	return arena_printf(arena, "%s", spec);
}

/* ---- the way ---- */

bool circuit_of_way(struct circuit *c, const struct job *job, const char *metric, double value, struct arena *arena,
		    struct err *err)
{
	if (!job->ways)
		return err_set(err, ERR_ARGUMENT, "there is no way to keep yet: x on a cell makes its first step");
	*c = (struct circuit){ .model = arena_printf(arena, "%s", job->model ? job->model : "demo"),
			       .prompt = arena_printf(arena, "%s", job->prompt),
			       .foil = job->foil ? arena_printf(arena, "%s", job->foil) : NULL,
			       .metric = arena_printf(arena, "%s", job->way[0].spec),
			       .value = job->way[0].value,
			       .edges = job->ways };
	c->edge = arena_alloc(arena, (size_t)c->edges * sizeof *c->edge);
	for (int i = 0; i < c->edges; i++) {
		const bool last = i == c->edges - 1;
		const char *spec = last ? metric : job->way[i + 1].spec;

		c->edge[i] = (struct circuit_edge){ .from = node_of(spec, arena),
						    .to = i ? c->edge[i - 1].from : node_of(c->metric, arena),
						    .value = last ? value : job->way[i + 1].value,
						    .metric = arena_printf(arena, "%s", spec) };
	}
	return true;
}

static bool at_edge(const char *file, const struct circuit_edge *e, struct err *err, const char *what, const char *more)
{
	return err_set(err, ERR_FILE, "%s:%d: %s%s", file, e->line, what, more);
}

static bool is_way(const struct circuit *c, const char *file, struct err *err)
{
	struct arena *arena = arena_new();
	bool ok = true;

	for (int i = 0; ok && i < c->edges; i++) {
		const char *before = i ? c->edge[i - 1].from : node_of(c->metric, arena);

		if (!c->edge[i].metric)
			ok = at_edge(file, &c->edge[i], err, "this edge has no metric, so it is no step that can be gone", "");
		else if (strcmp(c->edge[i].to, before))
			ok = at_edge(file, &c->edge[i], err, "this edge is no next step of one way: it should lead to ", before);
	}
	arena_free(arena);
	return ok;
}

bool circuit_to_way(const struct circuit *c, const char *file, struct job *job, struct err *err)
{
	if (!is_way(c, file, err))
		return false;
	job_way_cut(job, 0);
	job_way_push(job, &(struct way_step){ .spec = (char *)c->metric, .value = c->value, .pane = -1 });
	for (int i = 0; i < c->edges - 1; i++)
		job_way_push(job, &(struct way_step){ .spec = (char *)c->edge[i].metric, .value = c->edge[i].value, .pane = -1 });
	job_set(&job->metric, c->edge[c->edges - 1].metric);
	return true;
}

/* ---- writing ---- */

static void add_number(struct arena *arena, struct conf *map, double value)
{
	conf_add_plain(arena, map, "value", arena_printf(arena, "%.9g", value));
}

static struct conf *edge_tree(struct arena *arena, const struct circuit_edge *e)
{
	struct conf *map = conf_new_map(arena);

	conf_add_text(arena, map, "from", e->from);
	conf_add_text(arena, map, "to", e->to);
	add_number(arena, map, e->value);
	if (e->metric)
		conf_add_text(arena, map, "metric", e->metric);
	map->flow = true;
	return map;
}

void circuit_print(const struct circuit *c, struct str *out)
{
	struct arena *arena = arena_new();
	struct conf *root = conf_new_map(arena), *edges = conf_new_list(arena);

	conf_add_int(arena, root, "circuit", VERSION);
	if (c->model)
		conf_add_text(arena, root, "model", c->model);
	if (c->prompt)
		conf_add_text(arena, root, "prompt", c->prompt);
	conf_add_text(arena, root, "foil", c->foil);
	conf_add_text(arena, root, "metric", c->metric);
	add_number(arena, root, c->value);
	for (int i = 0; i < c->edges; i++)
		conf_add(arena, edges, NULL, edge_tree(arena, &c->edge[i]));
	conf_add(arena, root, "edges", edges);
	conf_print(root, out);
	arena_free(arena);
}

/* ---- reading ---- */

static bool only_keys(const struct conf *map, const char *const *keys, struct err *err)
{
	for (const struct conf *v = map->child; v; v = v->next) {
		int k = 0;

		while (keys[k] && strcmp(keys[k], v->key))
			k++;
		if (!keys[k])
			return conf_err(v, err, "a circuit has nothing called %s here", v->key);
	}
	return true;
}

static bool need(const struct conf *map, const char *key, const struct conf **v, struct err *err)
{
	*v = conf_get(map, key);
	return *v || conf_err(map, err, "%s is missing", key);
}

static bool read_text(const struct conf *map, const char *key, const char **out, struct err *err)
{
	const struct conf *v = conf_get(map, key);

	return conf_is_null(v) || conf_text(v, out, err);
}

static bool read_number(const struct conf *map, double *value, struct err *err)
{
	const struct conf *v;

	return need(map, "value", &v, err) && conf_float(v, value, err) &&
	       (isfinite(*value) || conf_err(v, err, "value: a finite number was expected"));
}

static bool read_metric(const struct conf *v, const char **out, struct err *err)
{
	struct err why = { 0 };

	return conf_text(v, out, err) && (metric_check(*out, NULL, 0, &why) || conf_err(v, err, "%s", why.text));
}

/* A node is a place or a metric. */
static bool read_node(const struct conf *map, const char *key, const char **out, struct err *err)
{
	const struct conf *v;
	struct err ignored = { 0 };

	if (!need(map, key, &v, err) || !conf_text(v, out, err))
		return false;
	return is_place(*out) || metric_check(*out, NULL, 0, &ignored) ||
	       conf_err(v, err, "%s: '%s' is neither a place such as head 3.0 nor a metric", key, *out);
}

static bool read_edge(const struct conf *v, struct circuit_edge *e, struct err *err)
{
	static const char *const keys[] = { "from", "to", "value", "metric", NULL };
	const struct conf *metric = conf_get(v, "metric");

	*e = (struct circuit_edge){ .line = v->line };
	if (v->kind != CONF_MAP)
		return conf_err(v, err, "an edge is expected: {from: head 0.1, to: head 3.0, value: 0.7}");
	return only_keys(v, keys, err) && read_node(v, "from", &e->from, err) && read_node(v, "to", &e->to, err) &&
	       read_number(v, &e->value, err) && (conf_is_null(metric) || read_metric(metric, &e->metric, err));
}

static bool read_edges(const struct conf *root, struct circuit *c, struct arena *arena, struct err *err)
{
	const struct conf *list;

	if (!need(root, "edges", &list, err))
		return false;
	if (list->kind != CONF_LIST || !list->count)
		return conf_err(list, err, "edges: a list of at least one edge is expected");
	c->edge = arena_alloc(arena, (size_t)list->count * sizeof *c->edge);
	for (const struct conf *v = list->child; v; v = v->next)
		if (!read_edge(v, &c->edge[c->edges++], err))
			return false;
	return true;
}

static bool read_circuit(const struct conf *root, struct circuit *c, struct arena *arena, struct err *err)
{
	static const char *const keys[] = { "circuit", "model", "prompt", "foil", "metric", "value", "edges", NULL };
	const struct conf *v;
	int version;

	*c = (struct circuit){ 0 };
	if (root->kind != CONF_MAP)
		return conf_err(root, err, "this is no circuit, which begins with circuit: %d", VERSION);
	return need(root, "circuit", &v, err) && conf_int(v, VERSION, VERSION, &version, err) && only_keys(root, keys, err) &&
	       read_text(root, "model", &c->model, err) && read_text(root, "prompt", &c->prompt, err) &&
	       read_text(root, "foil", &c->foil, err) && need(root, "metric", &v, err) && read_metric(v, &c->metric, err) &&
	       read_number(root, &c->value, err) && read_edges(root, c, arena, err);
}

bool circuit_parse(const char *bytes, size_t n, const char *file, struct circuit *c, struct arena *arena, struct err *err)
{
	const struct conf *root = conf_parse(bytes, n, file, arena, err);

	return root && read_circuit(root, c, arena, err);
}

bool circuit_open(const char *path, struct circuit *c, struct arena *arena, struct err *err)
{
	size_t n;
	char *bytes = file_read(path, FILE_MOST, &n, err);
	bool ok = bytes && circuit_parse(bytes, n, path, c, arena, err);

	free(bytes);
	return ok;
}
