/*
 * find.h - from what a person types to the path of a model: a folder, a file, "demo", or a name in a cache of this machine.
 */
#ifndef LMSCOPE_ENGINE_MODEL_FILES_FIND_H
#define LMSCOPE_ENGINE_MODEL_FILES_FIND_H

#include "engine/base/err.h"

/* Heap path of a folder or file; NULL: ERR_FILE says where it was looked for. NULL or "demo": the embedded demo model. */
char *find_model(const char *where, struct err *err);
/* As people call it: "demo", "SmolLM2-135M-Instruct.Q4_1", heap. */
char *find_name(const char *where, const char *path);

#endif
