/*
 * paths.h - where the program's own files lie, and where a person's are kept.
 *
 * All return heap strings that the caller frees. A name is a path below the place: "themes/dusk.yaml", "models/demo".
 */
#ifndef LMSCOPE_ENGINE_BASE_PATHS_H
#define LMSCOPE_ENGINE_BASE_PATHS_H

/*
 * A file or folder that comes with the program. The first of these places that has it: $LMSCOPE_SHARE; the source tree, when
 * the program is in the folder that it was built in; ../share/lmscope seen from the program, so that an installation can
 * be moved; the folder that `meson install` was told. NULL when none has it.
 */
char *paths_data(const char *name);

/* A file that somebody named: as it is seen from the working directory; beside the file that names it (NULL: none does); among the
 * program's own. NULL when it is in none of these places. */
char *paths_find(const char *name, const char *named_in);

/* What the user chose and saved ($XDG_CONFIG_HOME/lmscope/NAME, ~/.config/lmscope/NAME), what the program remembers between two
 * starts, and what it can make again. The file need not be there. NULL when the user has no home. */
char *paths_config(const char *name);
char *paths_state(const char *name);
char *paths_share(const char *name); /* what the program made for its user, such as trained files */
char *paths_cache(const char *name);

#endif
