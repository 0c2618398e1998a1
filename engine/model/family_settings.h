/* family_settings.h - what single families say in their settings beyond the common words. Called last by config_read. */
#ifndef LMSCOPE_ENGINE_MODEL_FAMILY_SETTINGS_H
#define LMSCOPE_ENGINE_MODEL_FAMILY_SETTINGS_H

#include "engine/model/family.h"

typedef bool settle(const struct settings *s, struct config *c, struct arena *arena, struct err *err);

settle settle_apertus, settle_bloom, settle_codegen, settle_cohere, settle_cohere2, settle_dots1, settle_ernie_moe, settle_exaone4,
	settle_falcon, settle_gemma, settle_gemma2, settle_gemma3, settle_glm4, settle_glm4_moe, settle_gpt2, settle_gpt_bigcode,
	settle_gpt_neo, settle_gpt_neox, settle_granite, settle_granitemoe, settle_internlm2, settle_lfm2, settle_lfm2_moe,
	settle_ministral3, settle_mixtral, settle_mpt, settle_olmo2, settle_olmoe, settle_opt, settle_phi, settle_phimoe,
	settle_qwen_moe, settle_smollm3, settle_stablelm;

/* Sets which biases may be there. */
void settle_biases(const struct settings *s, struct config *c);
/* Are the keys that only some families have of the right kind, where they are there at all? */
bool settle_check(const struct settings *s, struct err *err);

#endif
