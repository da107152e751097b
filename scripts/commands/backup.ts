import { jetstreamManager } from "@nats-io/jetstream";
import { resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import manifest from "../../package.json" with { type: "json" };
import {
  type BackupContents,
  makeBackupFolder,
  redisPath,
  snapshotPath,
  writeContents,
} from "../backup/backup-folder.ts";
import { dumpRedis, openRedis } from "../backup/redis-dump.ts";
import { redisOfBackup } from "../backup/redis-of-backup.ts";
import { type Snapshot, snapshotStream } from "../backup/snapshot-stream.ts";
import { backupOrder } from "../backup/stream-order.ts";
import { createCommand, readOptions, type Terminal } from "../shared/command.ts";
import { connectBus } from "../shared/connect-bus.ts";

const optionsSchema = z.object({ out: z.string().min(1, "must name a folder"), redis: z.boolean() });

/** `sluice backup`: writes everything that an installation keeps into a folder. */
export function backupCommand(terminal: Terminal): Command {
  return createCommand("backup", {
    summary: "write logs, buckets and sessions into a folder",
    description: `Writes everything that an installation keeps into a folder: the log of each tenant, policies, keys, revocations, durable subscriptions and the audit trail, which are streams on the bus, and sessions and counters, which are in Redis. Everything goes on meanwhile. Only the owner of the files may read them: payloads stand in them, and private keys encrypted.

NATS_URL says where NATS is and REDIS_URL where Redis is, each with the user backup; without them the command saves the demo that npm start runs.`,
    examples: [`npx sluice backup --out backups/monday`],
  })
    .requiredOption("--out <folder>", "the folder to write; it may not hold a backup")
    .option("--no-redis", "leave Redis out: everybody logs in again after a restore")
    .action((given: unknown) => backUp(readOptions(optionsSchema, given), terminal));
}

async function backUp({ out, redis: withRedis }: z.infer<typeof optionsSchema>, terminal: Terminal): Promise<void> {
  const { env, print } = terminal;
  const folder = resolve(out);
  await makeBackupFolder(folder);
  const at = new Date().toISOString();
  await using stack = new AsyncDisposableStack();
  const nats = stack.adopt(await connectBus("backup", env), (connection) => connection.close());
  let redis: BackupContents["redis"];
  // Sessions first: one that is ended meanwhile is among the revocations, which come later.
  if (withRedis) {
    await using connection = await openRedis(redisOfBackup(env));
    redis = await dumpRedis(connection, redisPath(folder));
    print({ keys: redis.keys }, `${redis.keys} keys of Redis`);
  }
  const manager = await jetstreamManager(nats, { checkAPI: false });
  const names: string[] = [];
  for await (const name of manager.streams.names()) names.push(name);
  const streams: Snapshot[] = [];
  for (const name of backupOrder(names)) {
    const snapshot = await snapshotStream(nats, name, snapshotPath(folder, name));
    streams.push(snapshot);
    const { state, bytes } = snapshot;
    print({ stream: name, messages: state.messages, bytes }, `${name}: ${state.messages} messages, ${bytes} bytes`);
  }
  await writeContents(folder, { at, version: manifest.version, streams, redis });
  print({ folder, at }, `the backup in ${folder} is whole`);
}
