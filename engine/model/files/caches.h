/*
 * caches.h - the models that lie on this machine already, where other programs keep them.
 *
 *   Hugging Face   $HF_HUB_CACHE, $HUGGINGFACE_HUB_CACHE, $HF_HOME/hub, CACHE/huggingface/hub: models--ORG--NAME/snapshots/COMMIT
 *   llama.cpp      $LLAMA_CACHE, CACHE/llama.cpp: *.gguf
 *   Ollama         $OLLAMA_MODELS, ~/.ollama/models, and those of its service: manifests that name blobs
 *   LM Studio      ~/.lmstudio/models, ~/.cache/lm-studio/models: PUBLISHER/NAME/ *.gguf
 *   lmscope        $XDG_DATA_HOME/lmscope, ~/.local/share/lmscope: folders and *.gguf
 *
 * CACHE is $XDG_CACHE_HOME, or ~/.cache. Only names and places are read here, nothing of the models themselves.
 */
#ifndef LMSCOPE_ENGINE_MODEL_FILES_CACHES_H
#define LMSCOPE_ENGINE_MODEL_FILES_CACHES_H

struct cached {
	/* what finds it again: "HuggingFaceTB/SmolLM2-135M", "EleutherAI/pythia-70m@step1000", "llama3.2:1b", "stories260K" */
	char *name;
	char *also;	   /* other whole names of it, a line each, or NULL: "ORG/NAME@COMMIT", "library/llama3.2:1b" */
	char *path;	   /* a folder or a file */
	const char *place; /* "Hugging Face" */
};

/* All of them, by name; heap array, freed with caches_free. Returns how many. */
int caches_list(struct cached **list);
void caches_free(struct cached *list, int n);

#endif
