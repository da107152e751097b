// The body of an answer as it comes in, with or without chunks: what was not yet used of it, without the sizes of chunks.
struct body {
  char *text;
  long length, room;
  int is_chunked;
  // Of the chunk that is read: what is left of it, and its size as far as that is read.
  long chunk_left, chunk_size;
};

static void empty(struct body *body) {
  body->length = body->is_chunked = body->chunk_left = body->chunk_size = 0;
}

// Forgets what stands before `from`.
static void forget(struct body *body, const char *from) {
  body->length -= from - body->text;
  memmove(body->text, from, body->length + 1);
}

static void keep(struct body *body, const char *text, long length) {
  if (body->length + length >= body->room) body->text = realloc(body->text, body->room = body->length + length + 1024);
  memcpy(body->text + body->length, text, length);
  body->length += length;
  body->text[body->length] = 0;
}

static void take_body(struct body *body, const char *text, long length) {
  if (!body->is_chunked) return keep(body, text, length);
  for (const char *end_of_text = text + length; text < end_of_text;) {
    if (body->chunk_left > 0) {
      long part = end_of_text - text < body->chunk_left ? end_of_text - text : body->chunk_left;
      keep(body, text, part);
      body->chunk_left -= part;
      text += part;
      continue;
    }
    char digit = *text++;
    if (digit == '\n') body->chunk_left = body->chunk_size, body->chunk_size = 0;
    else if (digit != '\r') body->chunk_size = body->chunk_size * 16 + (digit <= '9' ? digit - '0' : (digit | 32) - 'a' + 10);
  }
}

// What is there, and what follows, is in chunks.
static void become_chunked(struct body *body) {
  long length = body->length;
  char *copy = memcpy(malloc(length + 1), body->text, length);
  body->length = 0;
  body->is_chunked = 1;
  take_body(body, copy, length);
  free(copy);
}
