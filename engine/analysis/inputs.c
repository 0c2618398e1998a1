/* inputs.c - see inputs.h. */
#include "engine/analysis/inputs.h"

#include "engine/model/model.h"
#include "engine/model/tokenizer/tokenizer.h"

int inputs_first(const struct run *run)
{
	return run->tokens[0] == tokenizer_bos(run->model->tokenizer);
}

int inputs_last(const struct run *run, const struct metric *metric)
{
	return metric->kind == METRIC_LOSS ? run->T - 2 : metric->position;
}
