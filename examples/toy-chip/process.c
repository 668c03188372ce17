/* SPDX-License-Identifier: Apache-2.0 */
/* Starting the chip's process, and noticing when it ends. */
#define _GNU_SOURCE 1
#include "process.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { START_SECONDS = 10, END_SECONDS = 2 };

extern char** environ;

/* The program beside this library, or the one ISTHMUS_TOY_CHIP names. */
static const char* chip_program(char* path, size_t size) {
  const char* named = getenv("ISTHMUS_TOY_CHIP");
  if (named != NULL) return named;
  Dl_info info;
  if (dladdr((void*)(uintptr_t)&chip_program, &info) == 0) return "toy-chip";
  const char* slash = strrchr(info.dli_fname, '/');
  const int folder = slash == NULL ? 0 : (int)(slash - info.dli_fname) + 1;
  snprintf(path, size, "%.*stoy-chip", folder, info.dli_fname);
  return path;
}

/* Memory under a name that is gone again at once: the chip inherits the descriptor. */
static int open_shared(void) {
  static _Atomic unsigned count;
  char name[64];
  snprintf(name, sizeof name, "/isthmus-toy-%d-%u", (int)getpid(), atomic_fetch_add(&count, 1));
  const int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  shm_unlink(name);
  if (ftruncate(fd, sizeof(struct toy_shared)) == 0) return fd;
  close(fd);
  return -1;
}

/* Starts the program with its two descriptors, in a process group of its own, so that Ctrl-C does not reach
 * it. */
static int spawn(const char* program, int socket, int shared, pid_t* pid) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawn_file_actions_init(&files);
  /* First out of the way: a descriptor given may be the number of another one. */
  posix_spawn_file_actions_adddup2(&files, socket, 1000);
  posix_spawn_file_actions_adddup2(&files, shared, 1001);
  posix_spawn_file_actions_adddup2(&files, 1000, TOY_SOCKET);
  posix_spawn_file_actions_adddup2(&files, 1001, TOY_SHARED);
  posix_spawn_file_actions_addclose(&files, 1000);
  posix_spawn_file_actions_addclose(&files, 1001);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  char* arguments[] = {(char*)(uintptr_t)program, NULL};
  const int failure = posix_spawn(pid, program, &files, &attributes, arguments, environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  return failure;
}

/* How the process ended, in words; waits for that. */
static void describe_end(pid_t pid, char* text, size_t size) {
  int status = 0;
  pid_t ended;
  do {
    ended = waitpid(pid, &status, 0);
  } while (ended < 0 && errno == EINTR);
  if (ended < 0)
    snprintf(text, size, "ended");
  else if (WIFSIGNALED(status))
    snprintf(text, size, "was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
  else
    snprintf(text, size, "ended with exit code %d", WEXITSTATUS(status));
}

static void* watch(void* argument) {
  toy_device_t* d = argument;
  char byte, end[100];
  ssize_t count;
  do {
    count = read(d->socket, &byte, 1);
  } while (count > 0 || (count < 0 && errno == EINTR));
  describe_end(d->chip, end, sizeof end);
  snprintf(d->why, sizeof d->why, "the chip's process %d %s; open the device again", (int)d->chip, end);
  atomic_store(&d->lost, 1);
  for (int i = 0; i < TOY_QUEUES; ++i) toy_ring(&d->shared->queue[i]);
  return NULL;
}

int start_thread(pthread_t* thread, void* (*body)(void*), void* argument) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  const int failure = pthread_create(thread, NULL, body, argument);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return failure;
}

isthmus_status_t start_chip(toy_device_t* d) {
  char path[4096], end[100], byte;
  const char* program = chip_program(path, sizeof path);
  int ends[2] = {-1, -1};
  const int shared = open_shared();
  if (shared < 0)
    return toy_fail(d->host, ISTHMUS_UNAVAILABLE, "no shared memory for the chip: %s", strerror(errno));
  d->shared = mmap(NULL, sizeof *d->shared, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0);
  if (d->shared == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    const int failure = errno;
    if (d->shared != MAP_FAILED) munmap(d->shared, sizeof *d->shared);
    close(shared);
    return toy_fail(d->host, ISTHMUS_UNAVAILABLE, "no way to the chip: %s", strerror(failure));
  }
  const int failure = spawn(program, ends[1], shared, &d->chip);
  close(ends[1]);
  close(shared);
  d->socket = ends[0];
  if (failure != 0) {
    toy_fail(d->host, ISTHMUS_UNAVAILABLE, "the chip's process %s does not start: %s", program,
             strerror(failure));
  } else {
    struct pollfd ready = {d->socket, POLLIN, 0};
    int answer;
    do {
      answer = poll(&ready, 1, START_SECONDS * 1000);
    } while (answer < 0 && errno == EINTR);
    if (answer > 0 && read(d->socket, &byte, 1) == 1 && start_thread(&d->watcher, watch, d) == 0)
      return ISTHMUS_OK;
    if (answer == 0) {
      snprintf(end, sizeof end, "did not say in %d seconds that it is ready", START_SECONDS);
      kill(d->chip, SIGKILL);
      waitpid(d->chip, NULL, 0);
    } else {
      shutdown(d->socket, SHUT_RDWR);
      describe_end(d->chip, end, sizeof end);
    }
    toy_fail(d->host, ISTHMUS_UNAVAILABLE, "the chip's process %s does not start: it %s", program, end);
  }
  close(d->socket);
  munmap(d->shared, sizeof *d->shared);
  return ISTHMUS_UNAVAILABLE;
}

void stop_chip(toy_device_t* d) {
  shutdown(d->socket, SHUT_WR); /* the chip reads that and ends */
  struct pollfd gone = {d->socket, 0, 0};
  if (poll(&gone, 1, END_SECONDS * 1000) == 0) kill(d->chip, SIGKILL); /* it was stopped, or hangs */
  pthread_join(d->watcher, NULL);
  close(d->socket);
  munmap(d->shared, sizeof *d->shared);
}
