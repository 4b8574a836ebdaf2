/* Write beside, rename, open by name, read, unlink: the mailbox's system calls and nothing else. In
   batches as the bench's own loop has them, since a disk makes and removes many differently than one. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  long count = argc > 2 ? atol(argv[2]) : 0, batch = argc > 3 ? atol(argv[3]) : 1;
  char text[200], name[64], beside[64], read_back[4096];
  struct stat stats;
  struct timespec from, to;
  memset(text, 'x', sizeof text);
  if (argc < 4 || chdir(argv[1]) != 0) return 1;
  clock_gettime(CLOCK_MONOTONIC, &from);
  for (long done = 0; done < count; done += batch) {
    long end = done + batch < count ? done + batch : count;
    for (long n = done + 1; n <= end; n++) {
      snprintf(name, sizeof name, "%016ld.json", n);
      snprintf(beside, sizeof beside, ".%s.tmp", name);
      int file = open(beside, O_WRONLY | O_CREAT | O_TRUNC, 0600);
      if (file < 0 || write(file, text, sizeof text) != sizeof text) return 2;
      fchmod(file, 0644);
      close(file);
      rename(beside, name);
    }
    for (long n = done + 1; n <= end; n++) {
      snprintf(name, sizeof name, "%016ld.json", n);
      int path = open(name, O_PATH | O_NOFOLLOW);
      if (path < 0 || fstat(path, &stats) != 0) return 3;
      int file = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
      if (read(file, read_back, sizeof read_back) != sizeof text) return 4;
      close(file);
      close(path);
    }
    for (long n = done + 1; n <= end; n++) {
      snprintf(name, sizeof name, "%016ld.json", n);
      unlink(name);
    }
  }
  clock_gettime(CLOCK_MONOTONIC, &to);
  printf("%.3f\n", ((to.tv_sec - from.tv_sec) * 1e6 + (to.tv_nsec - from.tv_nsec) / 1e3) / count);
  return 0;
}
