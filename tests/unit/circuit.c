/* circuit.c - a way becomes a file of edges and the same way again; what is wrong in a file is named with its line. */
#include "engine/preset/circuit.h"

#include <string.h>

#include "tests/tap.h"

#define SCORES "scores 3.0 @13<4"

static void step(struct job *job, const char *spec, double value)
{
	job_way_push(job, &(struct way_step){ .spec = (char *)spec, .value = value, .pane = -1 });
}

static void make_way(struct job *job)
{
	job_init(job);
	job_set(&job->prompt, "Tom: \"a\" # b");
	step(job, "logit \" of it\"", 19.25);
	step(job, "part head 3.0 of logit \" of it\"", 4.125);
	step(job, SCORES, -0.5);
	step(job, "neuron_pre 1.17 @3", 0.1);
}

/* Each edge leads to where the one before it began; the first one to the metric itself. */
static void check_edges(const struct circuit *c)
{
	static const char *const from[] = { "head 3.0", SCORES, "neuron 1.17 @3", "resid_post 2 @4" };

	CHECK(c->edges == 4 && c->value == 19.25);
	for (int i = 0; i < c->edges; i++)
		CHECK_THAT(!strcmp(c->edge[i].from, from[i]) && !strcmp(c->edge[i].to, i ? from[i - 1] : c->metric),
			   "edge %d: %s to %s", i, c->edge[i].from, c->edge[i].to);
	CHECK(c->edge[0].value == 4.125 && c->edge[3].value == 7);
}

static void check_round_trip(void)
{
	struct arena *arena = arena_new();
	struct circuit c, read;
	struct err err = { 0 };
	struct job job, again;
	struct str text;

	str_init(&text);
	make_way(&job);
	job_init(&again);
	CHECK(circuit_of_way(&c, &job, "norm resid_post 2 @4", 7, arena, &err));
	check_edges(&c);
	circuit_print(&c, &text);
	if (CHECK_THAT(circuit_parse(text.s, text.n, "way.yaml", &read, arena, &err), "%s", err.text)) {
		check_edges(&read);
		CHECK(!strcmp(read.prompt, job.prompt) && !strcmp(read.model, "demo") && !read.foil);
		CHECK_THAT(circuit_to_way(&read, "way.yaml", &again, &err), "%s", err.text);
	}
	CHECK(again.ways == job.ways && !strcmp(again.metric, "norm resid_post 2 @4"));
	for (int i = 0; i < job.ways && i < again.ways; i++)
		CHECK_THAT(!strcmp(again.way[i].spec, job.way[i].spec) && again.way[i].value == job.way[i].value, "step %d: %s", i,
			   again.way[i].spec);
	job_done(&job);
	job_done(&again);
	str_done(&text);
	arena_free(arena);
}

static void check_no_way(void)
{
	struct arena *arena = arena_new();
	struct circuit c;
	struct err err = { 0 };
	struct job job;

	job_init(&job);
	CHECK(!circuit_of_way(&c, &job, "entropy", 1, arena, &err) && strstr(err.text, "there is no way to keep yet"));
	job_done(&job);
	arena_free(arena);
}

#define HEAD "circuit: 1\nmetric: entropy\nvalue: 2\nedges:\n"
static const struct {
	const char *text, *sentence;
} bad[] = {
	{ "circuit: 2\n", "bad.yaml:1: " },
	{ "- a\n", "bad.yaml:1: this is no circuit" },
	{ "metric: entropy\n", "bad.yaml:1: circuit is missing" },
	{ "circuit: 1\nmetric: entropy\nvalue: 2\nedge: []\n", "bad.yaml:4: a circuit has nothing called edge here" },
	{ "circuit: 1\nmetric: nonsense\nvalue: 2\nedges: []\n", "bad.yaml:2: " },
	{ "circuit: 1\nmetric: entropy\nvalue: .nan\nedges: []\n", "bad.yaml:3: " },
	{ "circuit: 1\nmetric: entropy\nvalue: 2\nedges: []\n", "bad.yaml:4: edges: a list of at least one edge is expected" },
	{ HEAD "- head 3.0\n", "bad.yaml:5: an edge is expected" },
	{ HEAD "- {from: head 3.0, value: 1}\n", "bad.yaml:5: to is missing" },
	{ HEAD "- {from: head, to: entropy, value: 1}\n",
	  "bad.yaml:5: from: 'head' is neither a place such as head 3.0 nor a metric" },
	{ HEAD "- {from: head 3.0, to: entropy, value: many}\n", "bad.yaml:5: " },
	{ HEAD "- {from: head 3.0, to: entropy, value: 1, why: x}\n", "bad.yaml:5: a circuit has nothing called why here" },
	{ HEAD "- {from: head 3.0, to: entropy, value: 1, metric: part}\n", "bad.yaml:5: " },
};

static void check_bad_files(void)
{
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct arena *arena = arena_new();
		struct circuit c;
		struct err err = { 0 };

		CHECK_THAT(!circuit_parse(bad[i].text, strlen(bad[i].text), "bad.yaml", &c, arena, &err), "bad file %zu is refused",
			   i);
		CHECK_THAT(!strncmp(err.text, bad[i].sentence, strlen(bad[i].sentence)) && err.text[strlen("bad.yaml:1: ")], "%s",
			   err.text);
		arena_free(arena);
	}
}

/* Edges that are no single way can be read, but not be gone. */
static void check_no_single_way(void)
{
	static const struct {
		const char *edges, *sentence;
	} cases[] = {
		{ "- {from: head 3.0, to: logit \" a\", value: 1}\n", "x.yaml:5: this edge has no metric" },
		{ "- {from: head 3.0, to: logit \" a\", value: 1, metric: part head 3.0 of logit \" a\"}\n"
		  "- {from: head 2.0, to: logit \" a\", value: 1, metric: part head 2.0 of logit \" a\"}\n",
		  "x.yaml:6: this edge is no next step of one way: it should lead to head 3.0" },
	};

	for (size_t i = 0; i < 2; i++) {
		struct arena *arena = arena_new();
		struct err err = { 0 };
		struct circuit c;
		struct job job;
		char text[400];

		job_init(&job);
		snprintf(text, sizeof text, "circuit: 1\nmetric: logit \" a\"\nvalue: 2\nedges:\n%s", cases[i].edges);
		CHECK_THAT(circuit_parse(text, strlen(text), "x.yaml", &c, arena, &err), "%s", err.text);
		CHECK(!circuit_to_way(&c, "x.yaml", &job, &err) && !job.ways && !job.metric);
		CHECK_THAT(!strncmp(err.text, cases[i].sentence, strlen(cases[i].sentence)), "%s", err.text);
		job_done(&job);
		arena_free(arena);
	}
}

int main(void)
{
	check_round_trip();
	check_no_way();
	check_bad_files();
	check_no_single_way();
	return tap_done();
}
