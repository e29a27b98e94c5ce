#include "files/small_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int
s_take (int file, buffer_t *to, struct stat *seen)
{
    if (fstat (file, seen) != 0)
        return errno;
    if (!S_ISREG (seen->st_mode))
        return EINVAL;
    char part[16384];
    ssize_t size;
    int error = 0;
    while (!error && (size = read (file, part, sizeof part)) != 0)
        error = size < 0 ? errno : buffer_put (to, part, (size_t) size) != 0 ? EFBIG : 0;
    explicit_bzero (part, sizeof part); //  it may be a secret
    return error;
}

int
small_file_read (const char *path, buffer_t *to, struct stat *seen)
{
    *seen = (struct stat){ 0 };
    //  A pipe or a device would not let the open return.
    int file = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file == -1) {
        int why = errno;
        if (stat (path, seen) != 0)
            *seen = (struct stat){ 0 };
        return why;
    }
    int error = s_take (file, to, seen);
    close (file);
    return error;
}

const char *
small_file_words (int error)
{
    return error == EFBIG    ? "the file is larger than its limit"
           : error == EINVAL ? "it is not a file"
                             : strerror (error);
}

bool
small_file_is_same (const struct stat *left, const struct stat *right)
{
    return left->st_dev == right->st_dev && left->st_ino == right->st_ino
           && left->st_size == right->st_size && left->st_mtim.tv_sec == right->st_mtim.tv_sec
           && left->st_mtim.tv_nsec == right->st_mtim.tv_nsec
           && left->st_ctim.tv_sec == right->st_ctim.tv_sec
           && left->st_ctim.tv_nsec == right->st_ctim.tv_nsec;
}
