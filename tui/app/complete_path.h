/* complete_path.h - files and folders that the beginning of a path may become. It looks at the disk: completion alone does. */
#ifndef LMSCOPE_TUI_APP_COMPLETE_PATH_H
#define LMSCOPE_TUI_APP_COMPLETE_PATH_H

#include "tui/panes/lists.h"

/*
 * Adds whole paths, folders with a slash at their end, sorted; "~/" stays as it is typed. Names that begin with a dot are there
 * where a dot is typed. `wanted` (NULL: all) chooses among the files.
 */
void complete_path(const char *typed, bool (*wanted)(const char *name), struct list *list);

#endif
