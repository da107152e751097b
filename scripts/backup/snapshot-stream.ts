import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { z } from "zod";
import type { UserConnection } from "../shared/connect-bus.ts";
import { ScriptError } from "../shared/run-script.ts";

/** What the server says of a stream when its snapshot begins; it takes both back when the stream is restored. */
export const streamSchema = z.object({
  config: z.looseObject({ name: z.string() }),
  state: z.looseObject({ messages: z.number(), first_seq: z.number(), last_seq: z.number() }),
});

/** A snapshot in a file. */
export interface Snapshot extends z.infer<typeof streamSchema> {
  readonly bytes: number;
  readonly sha256: string;
}

/** Longer between two pieces, and the server has given up. */
const PIECE_MS = 30_000;

const answerSchema = z.union([
  z.object({ error: z.object({ description: z.string() }) }),
  streamSchema.extend({ error: z.undefined().optional() }),
]);

/**
 * Writes a stream with its sequences, times and consumers into a file, which may be read by its owner alone.
 * @throws {ScriptError} where the server refuses, or stops half-way.
 */
export async function snapshotStream(nats: UserConnection, name: string, path: string): Promise<Snapshot> {
  const inbox = nats.inbox();
  const pieces = nats.subscribe(inbox);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => pieces.unsubscribe());
  // `jsck` has the server look at each message's checksum first: a backup of a broken log is none.
  const question = JSON.stringify({ deliver_subject: inbox, jsck: true });
  const answer = answerSchema.parse(
    (await nats.request(`$JS.API.STREAM.SNAPSHOT.${name}`, question, { timeout: PIECE_MS })).json(),
  );
  if (answer.error !== undefined) throw new ScriptError(`${name} is not given out: ${answer.error.description}`);
  const file = stack.adopt(await open(path, "w", 0o600), (each) => each.close());
  const hash = createHash("sha256");
  let bytes = 0;
  let timer = setTimeout(() => pieces.unsubscribe(), PIECE_MS);
  stack.defer(() => clearTimeout(timer));
  for await (const { data, headers, reply } of pieces) {
    clearTimeout(timer);
    if (data.length === 0) {
      if (headers !== undefined && headers.code >= 400)
        throw new ScriptError(`${name} broke off: ${headers.description}`);
      const { config, state } = answer;
      return { config, state, bytes, sha256: hash.digest("hex") };
    }
    await file.writeFile(data);
    hash.update(data);
    bytes += data.length;
    // The server sends on as pieces are acknowledged.
    if (reply !== undefined && reply !== "") nats.publish(reply);
    timer = setTimeout(() => pieces.unsubscribe(), PIECE_MS);
  }
  throw new ScriptError(`${name} broke off: nothing came for ${PIECE_MS / 1_000} s`);
}
