/* Sits between the program under test and the kernel: writes down what goes to the ledger's files and to sockets, in
 * order, and lets a write or a sync of the ledger's files fail or be the last thing that the program does.
 *
 * For tests only: compiled by them, and put in front with LD_PRELOAD.
 *
 *   SHIM_LOG=FILE       records: kind, class, length (4 bytes, the machine's order), bytes
 *                       kinds: W after a write, B before a sync, E after it, P before bytes go to a socket
 *                       classes: d the database, w its write-ahead log, j its journal, s a socket
 *   SHIM_SYNC_DELAY_US=N  each sync takes so many microseconds longer
 *   SHIM_FAIL=OP:N:HOW:SPAN  OP write or sync of the ledger's files, or send on a socket; N from 1; HOW enospc, eio,
 *                       kill or power; SPAN once or always
 *
 * HOW power: the power goes before the N-th write or sync, or after the N-th send. What was written and not synced since
 * is as it was before: the bytes, and the length of the file. (Files that were made or removed stay so.)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1;
static char fail_op[8], fail_how[8], fail_span[8];
static long fail_at, passes, sync_delay_us;

__attribute__((constructor)) static void start(void) {
    const char *log = getenv("SHIM_LOG"), *plan = getenv("SHIM_FAIL");
    if (log)
        log_fd = open(log, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    const char *delay = getenv("SHIM_SYNC_DELAY_US");
    sync_delay_us = delay ? atol(delay) : 0;
    if (plan && sscanf(plan, "%7[^:]:%ld:%7[^:]:%7s", fail_op, &fail_at, fail_how, fail_span) != 4)
        abort();
}

static int ends_with(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* What a descriptor is to the tests: 0 for what is none of their business. */
static char class_of(int fd) {
    char link[64], path[4096];
    int kept = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = kept;
    if (length <= 0)
        return 0;
    path[length] = 0;
    if (ends_with(path, ".db") || ends_with(path, ".db.new"))
        return 'd';
    if (ends_with(path, ".db-wal"))
        return 'w';
    if (ends_with(path, ".db-journal") || ends_with(path, ".db.new-journal"))
        return 'j';
    return strncmp(path, "socket:", 7) == 0 ? 's' : 0;
}

/* A write that no sync has made durable, and what it wrote over. */
struct unsynced {
    struct unsynced *before;
    char path[512];
    off_t at, size;
    size_t length;
    char bytes[];
};
static struct unsynced *unsynced;

static int path_of(int fd, char *path, size_t room) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, room - 1);
    path[length > 0 ? length : 0] = 0;
    return length > 0;
}

static void remember(int fd, off_t at, size_t length) {
    struct unsynced *one = calloc(1, sizeof *one + length);
    struct stat found;
    if (!one || !path_of(fd, one->path, sizeof one->path) || fstat(fd, &found) != 0)
        abort();
    one->at = at, one->size = found.st_size;
    ssize_t kept = syscall(SYS_pread64, fd, one->bytes, length, at);
    one->length = kept > 0 ? (size_t)kept : 0;
    pthread_mutex_lock(&lock);
    one->before = unsynced, unsynced = one;
    pthread_mutex_unlock(&lock);
}

static void forget(int fd) {
    char path[512];
    if (!path_of(fd, path, sizeof path))
        return;
    pthread_mutex_lock(&lock);
    for (struct unsynced **one = &unsynced; *one;)
        if (strcmp((*one)->path, path) == 0) {
            struct unsynced *gone = *one;
            *one = gone->before;
            free(gone);
        } else {
            one = &(*one)->before;
        }
    pthread_mutex_unlock(&lock);
}

static void lose_power(void) {
    pthread_mutex_lock(&lock);
    for (struct unsynced *one = unsynced; one; one = one->before) {
        int fd = (int)syscall(SYS_openat, AT_FDCWD, one->path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (syscall(SYS_pwrite64, fd, one->bytes, one->length, one->at) < 0 || ftruncate(fd, one->size) != 0)
            abort();
    }
    syscall(SYS_kill, getpid(), SIGKILL);
}

static int is_ledger(char class) { return class == 'd' || class == 'w' || class == 'j'; }

static void note(char kind, char class, const void *bytes, size_t length) {
    if (log_fd < 0)
        return;
    int kept = errno;
    char head[6] = {kind, class};
    uint32_t size = (uint32_t)length;
    memcpy(head + 2, &size, 4);
    struct iovec parts[2] = {{head, sizeof head}, {(void *)bytes, length}};
    pthread_mutex_lock(&lock);
    /* One call for the whole record, so that a killed program leaves no half of one. */
    syscall(SYS_writev, log_fd, parts, 2);
    pthread_mutex_unlock(&lock);
    errno = kept;
}

/* Whether this pass is the one that fails. */
static int fails(const char *op) {
    if (strcmp(op, fail_op) != 0)
        return 0;
    pthread_mutex_lock(&lock);
    long pass = ++passes;
    pthread_mutex_unlock(&lock);
    return pass == fail_at || (pass > fail_at && strcmp(fail_span, "always") == 0);
}

static int is_power(void) { return strcmp(fail_how, "power") == 0; }

static int fail(void) {
    if (is_power())
        lose_power();
    if (strcmp(fail_how, "kill") == 0)
        syscall(SYS_kill, getpid(), SIGKILL);
    errno = strcmp(fail_how, "eio") == 0 ? EIO : ENOSPC;
    return -1;
}

static ssize_t put(int fd, const void *bytes, size_t length, off_t at, int positioned) {
    char class = class_of(fd);
    if (class == 's')
        note('P', class, bytes, length);
    if (is_ledger(class) && is_power())
        remember(fd, positioned ? at : syscall(SYS_lseek, fd, 0, SEEK_CUR), length);
    if (is_ledger(class) && fails("write")) {
        if (is_power())
            lose_power();
        /* Half of it arrives: what a full disk or a power cut leaves behind. */
        if (positioned)
            syscall(SYS_pwrite64, fd, bytes, length / 2, at);
        else if (syscall(SYS_write, fd, bytes, length / 2) > 0)
            syscall(SYS_lseek, fd, -(off_t)(length / 2), SEEK_CUR);
        return fail();
    }
    ssize_t done = positioned ? syscall(SYS_pwrite64, fd, bytes, length, at) : syscall(SYS_write, fd, bytes, length);
    if (is_ledger(class) && done > 0)
        note('W', class, bytes, (size_t)done);
    if (class == 's' && fails("send"))
        fail();
    return done;
}

ssize_t write(int fd, const void *bytes, size_t length) { return put(fd, bytes, length, 0, 0); }
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return put(fd, bytes, length, at, 1); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) { return put(fd, bytes, length, at, 1); }

static int sync_with(long number, int fd) {
    char class = class_of(fd);
    if (is_ledger(class)) {
        if (fails("sync"))
            return fail();
        note('B', class, "", 0);
    }
    if (is_ledger(class) && sync_delay_us)
        usleep((useconds_t)sync_delay_us);
    int done = (int)syscall(number, fd);
    if (is_ledger(class) && done == 0) {
        note('E', class, "", 0);
        if (is_power())
            forget(fd);
    }
    return done;
}

int fsync(int fd) { return sync_with(SYS_fsync, fd); }
int fdatasync(int fd) { return sync_with(SYS_fdatasync, fd); }

ssize_t send(int fd, const void *bytes, size_t length, int flags) {
    note('P', 's', bytes, length);
    ssize_t done = syscall(SYS_sendto, fd, bytes, length, flags, NULL, 0);
    if (fails("send"))
        fail();
    return done;
}

/* All parts of one call are one record. */
static void note_parts(int fd, const struct iovec *parts, size_t count) {
    static char all[1 << 16];
    static pthread_mutex_t gathering = PTHREAD_MUTEX_INITIALIZER;
    if (class_of(fd) != 's')
        return;
    pthread_mutex_lock(&gathering);
    size_t length = 0;
    for (size_t part = 0; part < count && length + parts[part].iov_len <= sizeof all; part++) {
        memcpy(all + length, parts[part].iov_base, parts[part].iov_len);
        length += parts[part].iov_len;
    }
    note('P', 's', all, length);
    pthread_mutex_unlock(&gathering);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    note_parts(fd, parts, (size_t)count);
    ssize_t done = syscall(SYS_writev, fd, parts, count);
    if (class_of(fd) == 's' && fails("send"))
        fail();
    return done;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    note_parts(fd, message->msg_iov, message->msg_iovlen);
    return syscall(SYS_sendmsg, fd, message, flags);
}
