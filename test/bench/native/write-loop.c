// The least a server can do: one write per event and connection. What that costs is the physical limit that `npm run bench`
// compares with. Says its port, takes connections and answers each request with the head of an event stream; driven by
// lines on stdin:
//
//   publish <per second> <seconds> <payload bytes>   → {"missed":n} when it is done; a write that a socket does not take
//                                                      is missed, because the least a server can do is not to wait
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTIONS 20000
#define MAX_FRAME 65536

static const char HEAD[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n: open\n\n";

static int connections[MAX_CONNECTIONS], connection_count, poller, listener;

static long long micros(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static void add(int fd) {
  struct epoll_event wanted = {.events = EPOLLIN, .data.fd = fd};
  epoll_ctl(poller, EPOLL_CTL_ADD, fd, &wanted);
}

static void forget(int fd) {
  close(fd);
  for (int i = 0; i < connection_count; i++)
    if (connections[i] == fd) connections[i--] = connections[--connection_count];
}

static void greet(int fd) {
  char request[8192];
  if (read(fd, request, sizeof request) <= 0) return forget(fd);
  if (connection_count == MAX_CONNECTIONS || write(fd, HEAD, sizeof HEAD - 1) < 0) return forget(fd);
  connections[connection_count++] = fd;
}

static int frame_of(char *frame, int payload_bytes, long number) {
  int length = sprintf(frame, "id: 0123456789ab.%08ld.abcdefg\ndata: {\"t\":%lld,\"pad\":\"", number, micros(CLOCK_REALTIME));
  int pad = payload_bytes > 32 ? payload_bytes - 32 : 0;
  memset(frame + length, 'x', pad);
  return length + pad + sprintf(frame + length + pad, "\"}\n\n");
}

static void publish(int rate, int seconds, int payload_bytes) {
  static char frame[MAX_FRAME];
  long long begin = micros(CLOCK_MONOTONIC), missed = 0;
  for (long number = 0; number < (long)rate * seconds; number++) {
    long long wait = begin + number * 1000000LL / rate - micros(CLOCK_MONOTONIC);
    if (wait > 0) usleep(wait);
    // Past its time by far more than it was to last, it only shows that this machine cannot.
    if (-wait > seconds * 1000000LL) break;
    int length = frame_of(frame, payload_bytes, number);
    for (int i = 0; i < connection_count; i++)
      if (write(connections[i], frame, length) != length) missed += 1;
  }
  printf("{\"missed\":%lld}\n", missed);
}

static void obey(void) {
  char line[256];
  int rate, seconds, payload_bytes;
  if (!fgets(line, sizeof line, stdin)) exit(0);
  if (sscanf(line, "publish %d %d %d", &rate, &seconds, &payload_bytes) == 3 && payload_bytes < MAX_FRAME - 256)
    publish(rate, seconds, payload_bytes);
}

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  // A connection that is gone is a write that is missed.
  signal(SIGPIPE, SIG_IGN);
  poller = epoll_create1(EPOLL_CLOEXEC);
  listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (bind(listener, (void *)&address, size) || listen(listener, 4096)) return perror("listen"), 1;
  getsockname(listener, (void *)&address, &size);
  setvbuf(stdin, NULL, _IONBF, 0);
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("{\"port\":%d}\n", ntohs(address.sin_port));
  add(listener);
  add(STDIN_FILENO);
  for (struct epoll_event ready;;) {
    if (epoll_wait(poller, &ready, 1, -1) < 1) continue;
    if (ready.data.fd == STDIN_FILENO) obey();
    else if (ready.data.fd != listener) greet(ready.data.fd);
    else {
      int on = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      add(fd);
    }
  }
}
