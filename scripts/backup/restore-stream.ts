import { createReadStream } from "node:fs";
import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { ScriptError } from "../shared/run-script.ts";
import type { Snapshot } from "./snapshot-stream.ts";

/** Less than the 1 MB that a message of the bus may have, and what the server itself makes pieces of. */
const PIECE_BYTES = 128 * 1024;

const TIMEOUT_MS = 60_000;

const errorSchema = z.object({ error: z.object({ description: z.string() }) });
const placeSchema = z.object({ deliver_subject: z.string() });

/**
 * Puts a stream back as a snapshot has it, with its sequences and times.
 * @throws {ScriptError} where there is such a stream, or the server refuses the snapshot.
 */
export async function restoreStream(nats: NatsConnection, snapshot: Snapshot, path: string): Promise<void> {
  const { config, state } = snapshot;
  const { name } = config;
  const ask = async (subject: string, data: string | Uint8Array): Promise<unknown> => {
    const { data: answer } = await nats.request(subject, data, { timeout: TIMEOUT_MS });
    const said: unknown = answer.length === 0 ? {} : JSON.parse(new TextDecoder().decode(answer));
    const refusal = errorSchema.safeParse(said);
    if (refusal.success) throw new ScriptError(`${name} is not taken back: ${refusal.data.error.description}`);
    return said;
  };
  const begun = placeSchema.parse(await ask(`$JS.API.STREAM.RESTORE.${name}`, JSON.stringify({ config, state })));
  for await (const piece of createReadStream(path, { highWaterMark: PIECE_BYTES })) {
    await ask(begun.deliver_subject, piece as Buffer);
  }
  await ask(begun.deliver_subject, new Uint8Array());
}
