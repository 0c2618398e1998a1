/* complete_path.h - files and folders that the beginning of a path may become. It looks at the disk: completion alone does. */
#ifndef LMSCOPE_TUI_APP_COMPLETE_PATH_H
#define LMSCOPE_TUI_APP_COMPLETE_PATH_H

#include "tui/panes/lists.h"

/*
 * Adds whole paths, folders with a slash at their end, sorted; "~/" stays as it is typed. Names that begin with a dot are there
 * where a dot is typed. Files: those that end in one of `endings` (".npy .npz"; "": folders alone; NULL:
 * any).
 */
void complete_path(const char *typed, const char *endings, struct list *list);

#endif
