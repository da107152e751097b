/** Reads a chunked body (RFC 9112, section 7.1), piece by piece. */
export class ChunkReader {
  #pending = Buffer.alloc(0);
  #isComplete = false;

  /** Whether the last chunk has come: without it the body broke off. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /**
   * What of the body has come with these bytes, in whole chunks.
   * @throws {Error} for bytes that are no chunk, or come behind the last one.
   */
  read(bytes: Buffer): Buffer {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    const chunks: Buffer[] = [];
    for (let chunk = this.#next(); chunk !== undefined; chunk = this.#next()) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  #next(): Buffer | undefined {
    if (this.#isComplete) {
      if (this.#pending.length > 0) throw new Error("there are bytes behind the last chunk");
      return undefined;
    }
    const lineEnd = this.#pending.indexOf("\r\n");
    if (lineEnd === -1) return undefined;
    const line = this.#pending.toString("latin1", 0, lineEnd);
    if (!/^[0-9a-f]{1,8}$/i.test(line)) throw new Error(`this is no size of a chunk: ${line}`);
    const [from, size] = [lineEnd + 2, Number.parseInt(line, 16)];
    const end = from + size;
    if (this.#pending.length < end + 2) return undefined;
    if (this.#pending.toString("latin1", end, end + 2) !== "\r\n") throw new Error("a chunk ends without a line end");
    const chunk = this.#pending.subarray(from, end);
    this.#pending = this.#pending.subarray(end + 2);
    this.#isComplete = size === 0;
    return size === 0 ? undefined : chunk;
  }
}
