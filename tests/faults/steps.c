/* Preloaded into a process: its n-th change of files below a folder fails, as all later ones do, or kills it.

   A write that is hit is torn: half of it reaches the file. Reads are never hit. Errors: ENOSPC hits what takes space,
   EROFS whatever changes or opens for writing; 0 kills as `kill -9` does. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { GROWS = 1, CHANGES = 2, SYNCS = 4, OPENS = 8 };

static char below[PATH_MAX];
static size_t below_length;
static long at, count;
static int failing, is_armed;

void steps_arm(const char *folder, long step, int error) {
    below_length = strlen(strncpy(below, folder, sizeof below - 1));
    at = step, failing = error, count = 0, is_armed = 1;
}

long steps_disarm(void) {
    is_armed = 0;
    return count;
}

static int mask(void) {
    if (failing == ENOSPC) return GROWS | SYNCS;
    if (failing == EROFS) return GROWS | CHANGES | SYNCS | OPENS;
    return GROWS | CHANGES;
}

static const char *absolute(char *buffer, int folder, const char *path) {
    char link[64];
    ssize_t size;
    if (path && path[0] == '/') return path;
    if (folder == AT_FDCWD) strcpy(link, "/proc/self/cwd");
    else snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    size = readlink(link, buffer, PATH_MAX - 1);
    if (size < 0) return "";
    buffer[size] = 0;
    if (path) snprintf(buffer + size, PATH_MAX - size, "/%s", path);
    return buffer;
}

/* 0: go on; 1: the first step that fails; 2: a later one. */
static int hit(int folder, const char *path, int effect) {
    char buffer[PATH_MAX];
    int kept = errno, found = 0;
    if (!is_armed || !(effect & mask())) return 0;
    if (!strncmp(absolute(buffer, folder, path), below, below_length)) {
        long now = __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
        if (at && now >= at) found = now == at ? 1 : 2;
    }
    errno = kept;
    return found;
}

static int fails(int folder, const char *path, int effect) {
    if (!hit(folder, path, effect)) return 0;
    if (!failing) kill(getpid(), SIGKILL);
    errno = failing;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define WRITES(name, whole, half)                             \
    {                                                         \
        int found = hit(file, NULL, GROWS);                   \
        if (!found) return REAL(name) whole;                  \
        if (found == 1 && size > 1 && failing != EROFS) {     \
            ssize_t written = REAL(name) half;                \
            if (failing) return written;                      \
        }                                                     \
        if (!failing) kill(getpid(), SIGKILL);                \
        errno = failing;                                      \
        return -1;                                            \
    }

ssize_t write(int file, const void *data, size_t size) WRITES(write, (file, data, size), (file, data, size / 2))
ssize_t pwrite(int file, const void *data, size_t size, off_t place)
    WRITES(pwrite, (file, data, size, place), (file, data, size / 2, place))
ssize_t pwrite64(int file, const void *data, size_t size, off64_t place)
    WRITES(pwrite64, (file, data, size, place), (file, data, size / 2, place))

ssize_t writev(int file, const struct iovec *data, int parts) {
    return fails(file, NULL, GROWS) ? -1 : REAL(writev)(file, data, parts);
}
ssize_t sendfile(int file, int source, off_t *place, size_t size) {
    return fails(file, NULL, GROWS) ? -1 : REAL(sendfile)(file, source, place, size);
}
ssize_t copy_file_range(int source, off64_t *from, int file, off64_t *to, size_t size, unsigned flags) {
    return fails(file, NULL, GROWS) ? -1 : REAL(copy_file_range)(source, from, file, to, size, flags);
}
int ftruncate(int file, off_t size) { return fails(file, NULL, GROWS) ? -1 : REAL(ftruncate)(file, size); }
int ftruncate64(int file, off64_t size) { return fails(file, NULL, GROWS) ? -1 : REAL(ftruncate64)(file, size); }
int posix_fallocate(int file, off_t from, off_t size) {
    return fails(file, NULL, GROWS) ? failing : REAL(posix_fallocate)(file, from, size);
}
int fsync(int file) { return fails(file, NULL, SYNCS) ? -1 : REAL(fsync)(file); }
int fdatasync(int file) { return fails(file, NULL, SYNCS) ? -1 : REAL(fdatasync)(file); }

static int opening(int folder, const char *path, int flags) {
    char buffer[PATH_MAX];
    int kept = errno, effect = 0;
    if (flags & (O_WRONLY | O_RDWR)) effect |= OPENS;
    if (flags & O_TRUNC) effect |= CHANGES;
    if (is_armed && (flags & O_CREAT) && access(absolute(buffer, folder, path), F_OK)) effect |= GROWS;
    errno = kept;
    return effect;
}

#define OPEN(name, folder, path, arguments)                                        \
    {                                                                              \
        mode_t mode = 0;                                                           \
        if (flags & (O_CREAT | O_TMPFILE)) {                                       \
            va_list more;                                                          \
            va_start(more, flags);                                                 \
            mode = va_arg(more, mode_t);                                           \
            va_end(more);                                                          \
        }                                                                          \
        return fails(folder, path, opening(folder, path, flags)) ? -1 : REAL(name) arguments; \
    }

int open(const char *path, int flags, ...) OPEN(open, AT_FDCWD, path, (path, flags, mode))
int open64(const char *path, int flags, ...) OPEN(open64, AT_FDCWD, path, (path, flags, mode))
int openat(int folder, const char *path, int flags, ...) OPEN(openat, folder, path, (folder, path, flags, mode))
int openat64(int folder, const char *path, int flags, ...) OPEN(openat64, folder, path, (folder, path, flags, mode))

int rename(const char *from, const char *to) { return fails(AT_FDCWD, to, CHANGES) ? -1 : REAL(rename)(from, to); }
int renameat(int source, const char *from, int folder, const char *to) {
    return fails(folder, to, CHANGES) ? -1 : REAL(renameat)(source, from, folder, to);
}
int link(const char *from, const char *to) { return fails(AT_FDCWD, to, GROWS) ? -1 : REAL(link)(from, to); }
int linkat(int source, const char *from, int folder, const char *to, int flags) {
    return fails(folder, to, GROWS) ? -1 : REAL(linkat)(source, from, folder, to, flags);
}
int unlink(const char *path) { return fails(AT_FDCWD, path, CHANGES) ? -1 : REAL(unlink)(path); }
int unlinkat(int folder, const char *path, int flags) {
    return fails(folder, path, CHANGES) ? -1 : REAL(unlinkat)(folder, path, flags);
}
int rmdir(const char *path) { return fails(AT_FDCWD, path, CHANGES) ? -1 : REAL(rmdir)(path); }
int mkdir(const char *path, mode_t mode) { return fails(AT_FDCWD, path, GROWS) ? -1 : REAL(mkdir)(path, mode); }
int mkdirat(int folder, const char *path, mode_t mode) {
    return fails(folder, path, GROWS) ? -1 : REAL(mkdirat)(folder, path, mode);
}
