/* bench.c - `lmscope bench`: engine/bench/bench.c's rows as text or JSON. */
#include <stdio.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/utf8.h"
#include "engine/bench/bench.h"
#include "tui/cli/command.h"
#include "tui/cli/say.h"

/* "12.3 ms" */
static void add_time(struct str *out, double seconds)
{
	if (seconds < 1e-3)
		str_addf(out, "%7.0f µs", seconds * 1e6);
	else if (seconds < 10)
		str_addf(out, "%7.*f ms", seconds < 0.1 ? 2 : 0, seconds * 1e3);
	else
		str_addf(out, "%7.1f s ", seconds);
}

static void text(const struct bench *b, struct str *out)
{
	utf8_safe(out, b->model.name, strlen(b->model.name), false);
	str_addf(out, " · %.1f million weights, ", (double)b->model.parameters / 1e6);
	utf8_safe(out, b->model.dtypes, strlen(b->model.dtypes), false);
	str_addf(out, "%s\n%s kernels, %d thread%s, f32 arithmetic: at most %.0f GFLOP/s, %.1f GB/s from memory\n\n",
		 b->low_memory ? ", read from the file" : "", b->kernels, b->threads, b->threads == 1 ? "" : "s", b->flops / 1e9,
		 b->bandwidth / 1e9);
	str_addf(out, "%-42s %10s %10s %10s %7s %10s\n", "", "median", "best", "limit", "×limit", "memory");
	for (int i = 0; i < b->rows; i++) {
		const struct bench_row *r = &b->row[i];

		str_addf(out, "%-42s ", r->what);
		if (!r->times) {
			str_add(out, "left out: too long for this model\n");
			continue;
		}
		add_time(out, r->median);
		str_add(out, " ");
		add_time(out, r->best);
		str_add(out, " ");
		add_time(out, r->limit);
		str_addf(out, " %7.2f %7.1f MB  %s, %d times", r->median / r->limit, r->memory / 1e6,
			 r->memory_bound ? "bandwidth" : "arithmetic", r->times);
		if (r->passes > 0)
			str_addf(out, "; %.4g forward passes, memory of %.2g runs", r->passes, r->runs);
		str_add(out, "\n");
	}
}

static void json(const struct bench *b, struct str *out)
{
	str_add(out, "{\"model\":");
	json_write_string(out, b->model.name, strlen(b->model.name));
	str_add(out, ",\"dtypes\":");
	json_write_string(out, b->model.dtypes, strlen(b->model.dtypes));
	str_addf(out,
		 ",\"parameters\":%zu,\"low_memory\":%s,\"kernels\":\"%s\",\"threads\":%d,"
		 "\"flops\":%.6g,\"bandwidth\":%.6g,\"rows\":[",
		 b->model.parameters, b->low_memory ? "true" : "false", b->kernels, b->threads, b->flops, b->bandwidth);
	for (int i = 0; i < b->rows; i++) {
		const struct bench_row *r = &b->row[i];

		str_addf(out, "%s{\"name\":\"%s\",\"what\":\"%s\",\"times\":%d,", i ? "," : "", r->name, r->what, r->times);
		if (r->times)
			str_addf(out, "\"median\":%.6g,\"best\":%.6g,\"ratio\":%.4g,\"memory\":%.6g,\"runs\":%.4g,", r->median,
				 r->best, r->median / r->limit, r->memory, r->runs);
		if (r->passes > 0)
			str_addf(out, "\"passes\":%.4g,", r->passes);
		str_addf(out, "\"limit\":%.6g,\"bound\":\"%s\",\"flops\":%.6g,\"bytes\":%.6g}", r->limit,
			 r->memory_bound ? "memory" : "arithmetic", r->flops, r->bytes);
	}
	str_add(out, "]}\n");
}

static void say_row(const char *what)
{
	say_sentence(what);
}

bool command_bench(struct options *o, struct err *err)
{
	struct bench b;
	struct str out;

	if (o->words > 1)
		return err_set(err, ERR_USAGE, "bench: unexpected argument \"%s\"", o->word[1]);
	if (!bench_measure(o->words ? o->word[0] : NULL, o->low_memory, say_row, &b, err))
		return false;
	str_init(&out);
	(o->json ? json : text)(&b, &out);
	(o->json ? say_json : say_text)(&out);
	str_done(&out);
	return true;
}
