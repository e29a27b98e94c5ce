//  small_file — a whole file of configuration, read at once.
//
//  A disk may be slow: it is called before the loop turns, or in libuv's thread pool.

#ifndef SMALL_FILE_H
#define SMALL_FILE_H

#include "base/buffer.h"

#include <stdbool.h>
#include <sys/stat.h>

//  Puts the regular file's bytes into the buffer. Returns 0, or what went wrong as errno has it:
//  EFBIG when they would pass the buffer's ceiling, EINVAL when it is not a regular file. `seen` is
//  what the open file was: a file that changes while it is read is another one at the next look.
__attribute__ ((warn_unused_result)) int small_file_read (const char *path, buffer_t *to,
                                                          struct stat *seen);

//  What is wrong, for people.
const char *small_file_words (int error);

//  The same file, as far as can be seen from outside.
bool small_file_is_same (const struct stat *left, const struct stat *right);

#endif
