/* remove_tree.h - a folder that a test has made, and all that is in it. */
#ifndef LMSCOPE_TESTS_REMOVE_TREE_H
#define LMSCOPE_TESTS_REMOVE_TREE_H

#include <ftw.h>
#include <stdio.h>

static inline int remove_tree_file(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info;
	(void)kind;
	(void)where;
	return remove(path);
}

static inline void remove_tree(const char *folder)
{
	nftw(folder, remove_tree_file, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
