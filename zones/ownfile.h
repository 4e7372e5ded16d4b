/*
 * Whose a new file is. A loader that root runs, by sudo or by mistake, must not leave files that
 * the loader's own user can't write in the next run.
 */
#ifndef ZONES_OWNFILE_H
#define ZONES_OWNFILE_H

/* Where root runs this, a plain file of root's with just this name is given to the owner and group
 * of its folder. Fails in silence: it may be what is wanted. */
void ownfile_give(const char *path);

#endif
