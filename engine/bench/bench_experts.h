/*
 * bench_experts.h - within the benchmark: the mixtures of experts of a model by themselves, without the attention between them.
 */
#ifndef LMSCOPE_ENGINE_BENCH_BENCH_EXPERTS_H
#define LMSCOPE_ENGINE_BENCH_BENCH_EXPERTS_H

#include "engine/bench/bench_work.h"

/* Runs the prompt once: s->before, in s->rows what each mixture reads, and s->pass. */
bool bench_prepare_experts(struct bench_stand *s, int T, struct err *err);
/* Every mixture once more, from router to write: the sites of s->before receive what they have already. */
bool bench_do_experts(struct bench_stand *s, int T, struct err *err);
/* The experts that the prompt's tokens were sent to, as the file has them; before it has run, as many as there can be. */
void bench_cost_experts(const struct bench_stand *s, int T, struct bench_row *row);

#endif
