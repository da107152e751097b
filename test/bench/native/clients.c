// Clients of any server of event streams: each reads its stream as EventSource does, keeps a ledger of the events that it
// got, and comes back after its last one. The same program makes the load for us and for those we are compared with. Driven
// by lines on stdin; answers each with one line of JSON.
//
//   clients <port> <file of requests> <marker> <how to resume> <most events of a topic>
//     Client i sends request i mod n, from an address of its own in 127/8. The marker is a text of the answer's body that
//     says that the stream is in force; "-" says that the head of the answer does. To resume is "id", a Last-Event-ID, or
//     "position", for which "@position@" in the request becomes the epoch and the offset that the stream told.
//
//   open <count>                      → {"opened","refused","ms"}   so many more, some at a time
//   visit <count> <from> <at a time>  → {"opened","refused","ms"}   the same, each with the next request, and closed once in force
//   reset | latency | count           → as of readers.c
//   pause | resume <from> <to>        → {}                          these clients read nothing any more, or read on
//   storm <timeout ms>                → {"clients","back","caughtUp","backMs","caughtUpMs","cutAgain"}
//     All are cut at once and come back at once. A client has caught up when the last event from before its stream was in
//     force again is there: what was published after that has begun to come.
//   ledger <events> <topics>          → {"expected","lost","repeated","disordered"}   event k was number k / topics of topic
//                                                                                     k mod topics, client i's is i mod topics
//
// A payload begins with "t":<microseconds since 1970>,"n":<number within its topic>.
#include "load.h"
#include "body.h"

#define READ_BYTES (1 << 18)
#define OPENING_AT_ONCE 128
#define GIVE_UP_MICROS 60000000LL
#define COMES_BACK_MICROS 200000LL
#define POSITION "@position@"

enum state { CLOSED, CONNECTING, ASKED, IN_FORCE };

struct client {
  int fd;
  enum state state;
  int request, is_head_read;
  struct body body;
  char id[96], epoch[32];
  long long offset;
  unsigned *seen;
  long last;
  long long in_force_at, caught_up_at, comes_back_at;
  int is_caught_up;
};

static struct client *clients;
static int client_count, poller, port, is_storm, ledger_room, resumes_by_position, is_visit;
static const char *marker;
static long opened, refused, cut, events, bytes, repeated, disordered, caught_up;

static void hang_up(struct client *client) {
  if (client->fd >= 0) close(client->fd);
  client->fd = -1;
  client->state = CLOSED;
  client->is_head_read = 0;
  empty(&client->body);
}

static void end(struct client *client, const char *why) {
  if (is_storm) client->comes_back_at = now_micros() + COMES_BACK_MICROS;
  else if (client->state != IN_FORCE && refused++ == 0 && !is_visit) fprintf(stderr, "refused: %.500s\n", why);
  cut += 1;
  hang_up(client);
}

static void become_in_force(struct client *client) {
  client->state = IN_FORCE;
  client->in_force_at = client->caught_up_at = now_micros();
  client->is_caught_up = 0;
  opened += 1;
}

static void note_event(struct client *client, long long sent, long number) {
  events += 1;
  note_latency(sent);
  if (number >= 0 && number < ledger_room) {
    unsigned *word = &client->seen[number / 32], bit = 1u << number % 32;
    repeated += (*word & bit) != 0;
    disordered += number < client->last;
    *word |= bit;
    client->last = number;
  }
  if (!is_storm || client->is_caught_up) return;
  if (sent < client->in_force_at) client->caught_up_at = now_micros();
  else caught_up += client->is_caught_up = 1;
}

static void keep_field(char *field, size_t room, const char *from, const char *end_of_block, char until) {
  const char *end_of_field = memchr(from, until, end_of_block - from);
  size_t length = (end_of_field ? end_of_field : end_of_block) - from;
  if (length >= room) return;
  memcpy(field, from, length);
  field[length] = 0;
}

static void note_position(struct client *client, const char *block, const char *end_of_block) {
  const char *epoch = memmem(block, end_of_block - block, "\"epoch\":\"", 9);
  if (epoch) keep_field(client->epoch, sizeof client->epoch, epoch + 9, end_of_block, '"');
  for (const char *at = block; (at = memmem(at, end_of_block - at, "\"offset\":", 9)); at += 9) {
    long long offset = atoll(at + 9);
    if (offset > client->offset) client->offset = offset;
  }
}

// A block of lines that ends with an empty one: what a client dispatches at once.
static void take_block(struct client *client, const char *block, const char *end_of_block) {
  long length = end_of_block - block;
  if (client->state != IN_FORCE) {
    if (memmem(block, length, "event: busy", 11)) return end(client, block);
    if (memmem(block, length, marker, strlen(marker))) become_in_force(client);
  }
  for (const char *at = block; (at = memmem(at, end_of_block - at, MARK, MARK_LENGTH)); at += MARK_LENGTH) {
    char *after;
    long long sent = strtoll(at + MARK_LENGTH, &after, 10);
    note_event(client, sent, memcmp(after, ",\"n\":", 5) ? -1 : atol(after + 5));
  }
  if (resumes_by_position) return note_position(client, block, end_of_block);
  const char *id = !memcmp(block, "id:", 3) ? block - 1 : memmem(block, length, "\nid:", 4);
  if (id) keep_field(client->id, sizeof client->id, id + 4 + (id[4] == ' '), end_of_block, '\n');
}

static void take_blocks(struct client *client) {
  struct body *body = &client->body;
  char *from = body->text, *to;
  while (client->state != CLOSED && (to = memmem(from, body->text + body->length - from, "\n\n", 2))) {
    take_block(client, from, to + 1);
    from = to + 2;
  }
  if (client->state != CLOSED) forget(body, from);
}

// The head, once it is there as a whole: what came behind it is of the body.
static void take_head(struct client *client) {
  struct body *body = &client->body;
  char *end_of_head = memmem(body->text, body->length, "\r\n\r\n", 4);
  if (!end_of_head) return;
  if (body->length < 12 || memcmp(body->text + 9, "200", 3)) return end(client, body->text);
  client->is_head_read = 1;
  *end_of_head = 0;
  int is_chunked = strcasestr(body->text, "transfer-encoding: chunked") != NULL;
  forget(body, end_of_head + 4);
  if (is_chunked) become_chunked(body);
  if (*marker == 0) become_in_force(client);
}

static void take(struct client *client) {
  static char buffer[READ_BYTES];
  long length = read(client->fd, buffer, sizeof buffer);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (length <= 0) return end(client, "closed");
  bytes += length;
  take_body(&client->body, buffer, length);
  if (!client->is_head_read) take_head(client);
  if (client->is_head_read) take_blocks(client);
  if (is_visit && client->state == IN_FORCE) hang_up(client);
}

static void ask(struct client *client) {
  static char text[1 << 15];
  struct request request = requests[client->request % request_count];
  const char *at = resumes_by_position ? memmem(request.text, request.length, POSITION, strlen(POSITION)) : NULL;
  int before = at ? at - request.text : (int)request.length - 2, length = sprintf(text, "%.*s", before, request.text);
  if (at && *client->epoch)
    length += sprintf(text + length, "%%22recover%%22:true,%%22epoch%%22:%%22%s%%22,%%22offset%%22:%lld", client->epoch, client->offset);
  if (at) length += sprintf(text + length, "%.*s", (int)(request.length - before - strlen(POSITION)), at + strlen(POSITION));
  else length += sprintf(text + length, *client->id ? "Last-Event-ID: %s\r\n\r\n" : "\r\n", client->id);
  if (write(client->fd, text, length) != length) return end(client, "not sent");
  client->state = ASKED;
}

static void watch(struct client *client, int operation, int wanted) {
  struct epoll_event event = {.events = wanted, .data.u32 = client - clients};
  if (epoll_ctl(poller, operation, client->fd, &event)) fail("epoll_ctl");
}

static void come(struct client *client) {
  client->fd = socket_of(client - clients, SOCK_NONBLOCK);
  client->state = CONNECTING;
  if (connect_to(client->fd, port) && errno != EINPROGRESS) return end(client, strerror(errno));
  watch(client, EPOLL_CTL_ADD, EPOLLOUT);
}

static void turn(struct client *client) {
  if (client->state == CLOSED) return;
  if (client->state != CONNECTING) return take(client);
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error) return end(client, strerror(error));
  watch(client, EPOLL_CTL_MOD, EPOLLIN);
  ask(client);
}

static int turn_all(int timeout_ms) {
  struct epoll_event ready[512];
  int count = epoll_wait(poller, ready, 512, timeout_ms), is_told = 0;
  for (int i = 0; i < count; i++) {
    if (ready[i].data.u32 == UINT32_MAX) is_told = 1;
    else turn(&clients[ready[i].data.u32]);
  }
  return is_told;
}

static void open_many(int count, int from, int at_a_time) {
  long long begin = now_micros();
  int before = client_count, target = client_count + count;
  opened = refused = 0;
  clients = realloc(clients, target * sizeof *clients);
  while (opened + refused < count && now_micros() - begin < GIVE_UP_MICROS) {
    while (client_count < target && client_count - before - opened - refused < at_a_time) {
      struct client *client = &clients[client_count];
      *client = (struct client){.fd = -1, .last = -1, .request = from + client_count - before};
      client->seen = calloc(ledger_room / 32 + 1, sizeof *client->seen);
      client_count += 1;
      come(client);
    }
    turn_all(10);
  }
  printf("{\"opened\":%ld,\"refused\":%ld,\"ms\":%lld}\n", opened, count - opened, (now_micros() - begin) / 1000);
}

static void visit(int count, int from, int at_a_time) {
  int before = client_count;
  is_visit = 1;
  open_many(count, from, at_a_time);
  is_visit = 0;
  for (int i = before; i < client_count; i++) hang_up(&clients[i]), free(clients[i].body.text), free(clients[i].seen);
  client_count = before;
}

static void storm(int timeout_ms) {
  long long begin = now_micros(), back_at = begin, caught_up_at = begin;
  int back = 0;
  is_storm = 1;
  cut = caught_up = 0;
  for (int i = 0; i < client_count; i++) hang_up(&clients[i]), clients[i].comes_back_at = 0;
  for (int next = 0; caught_up < client_count && now_micros() - begin < timeout_ms * 1000LL; next = (next + 64) % client_count) {
    for (int i = next; i < next + 64 && i < client_count; i++)
      if (clients[i].state == CLOSED && clients[i].comes_back_at <= now_micros()) come(&clients[i]);
    turn_all(next + 64 < client_count ? 0 : 5);
  }
  is_storm = 0;
  for (int i = 0; i < client_count; i++) {
    back += clients[i].state == IN_FORCE;
    if (clients[i].in_force_at > back_at) back_at = clients[i].in_force_at;
    if (clients[i].caught_up_at > caught_up_at) caught_up_at = clients[i].caught_up_at;
  }
  printf("{\"clients\":%d,\"back\":%d,\"caughtUp\":%ld,\"backMs\":%lld,\"caughtUpMs\":%lld,\"cutAgain\":%ld}\n", client_count, back,
         caught_up, (back_at - begin) / 1000, (caught_up_at - begin) / 1000, cut);
}

static void ledger(long total, int topics) {
  long expected = 0, got = 0;
  for (int i = 0; i < client_count; i++) {
    long own = (total - i % topics + topics - 1) / topics;
    expected += own;
    for (long number = 0; number < own && number < ledger_room; number++) got += clients[i].seen[number / 32] >> number % 32 & 1;
  }
  printf("{\"expected\":%ld,\"lost\":%ld,\"repeated\":%ld,\"disordered\":%ld}\n", expected, expected - got, repeated, disordered);
}

static void obey(const char *line) {
  int count, from, at_a_time;
  if (sscanf(line, "open %d", &count) == 1) open_many(count, client_count, OPENING_AT_ONCE);
  else if (sscanf(line, "visit %d %d %d", &count, &from, &at_a_time) == 3) visit(count, from, at_a_time);
  else if (sscanf(line, "storm %d", &count) == 1) storm(count);
  else if (sscanf(line, "ledger %d %d", &count, &from) == 2) ledger(count, from);
  else if (!strncmp(line, "latency", 7)) print_latency();
  else if (!strncmp(line, "reset", 5)) reset_latency();
  else if (!strncmp(line, "count", 5)) printf("{\"events\":%ld,\"bytes\":%ld,\"closed\":%ld}\n", events, bytes, cut);
  else if (sscanf(line, "pause %d %d", &from, &count) == 2 || sscanf(line, "resume %d %d", &from, &count) == 2) {
    for (int i = from; i < count; i++)
      if (clients[i].state == IN_FORCE) watch(&clients[i], EPOLL_CTL_MOD, *line == 'p' ? 0 : EPOLLIN);
    puts("{}");
  }
}

int main(int count, char **arguments) {
  if (count != 6) return fprintf(stderr, "usage: clients <port> <file> <marker> id|position <events of a topic>\n"), 2;
  port = atoi(arguments[1]);
  read_requests(arguments[2]);
  marker = strcmp(arguments[3], "-") ? arguments[3] : "";
  resumes_by_position = !strcmp(arguments[4], "position");
  ledger_room = atoi(arguments[5]);
  poller = prepare();
  char line[256];
  for (;;) {
    if (!turn_all(-1)) continue;
    if (!fgets(line, sizeof line, stdin)) return 0;
    obey(line);
  }
}
