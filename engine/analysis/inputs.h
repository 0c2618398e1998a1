/*
 * inputs.h - which inputs of a prompt an attribution to tokens asks about.
 *
 * The mark before the prompt (BOS) is left as it is: without it attention has nowhere to rest. Tokens after the last one whose row
 * the metric reads change nothing.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_INPUTS_H
#define LMSCOPE_ENGINE_ANALYSIS_INPUTS_H

#include "engine/run/metric.h"
#include "engine/run/run.h"

/* The first token after the mark: 1, or 0 where there is none. */
int inputs_first(const struct run *run);
/* The last token whose row the metric reads: for the loss the last but one, which predicts the last. */
int inputs_last(const struct run *run, const struct metric *metric);

#endif
