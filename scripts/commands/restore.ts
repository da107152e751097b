import { jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import { resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { type BackupContents, readContents, redisPath, snapshotPath } from "../backup/backup-folder.ts";
import { holdsKeys, openRedis, restoreRedis } from "../backup/redis-dump.ts";
import { redisOfBackup } from "../backup/redis-of-backup.ts";
import { restoreStream } from "../backup/restore-stream.ts";
import { isHomeStream } from "../failover/home-stream.ts";
import { reopenedConfig } from "../failover/reopened-config.ts";
import { createCommand, readOptions, type Terminal } from "../shared/command.ts";
import { connectBus } from "../shared/connect-bus.ts";
import { ScriptError } from "../shared/run-script.ts";

const REPLICAS_FAULT = "takes a number from 1 to 5";

const optionsSchema = z.object({
  redis: z.boolean(),
  reopen: z.boolean().default(false),
  replicas: z.coerce
    .number(REPLICAS_FAULT)
    .pipe(z.int(REPLICAS_FAULT).min(1, REPLICAS_FAULT).max(5, REPLICAS_FAULT))
    .optional(),
});
type RestoreOptions = z.infer<typeof optionsSchema>;

/** `sluice restore`: puts a backup back into an empty installation. */
export function restoreCommand(terminal: Terminal): Command {
  return createCommand("restore", {
    summary: "put a backup back, into an empty bus and an empty Redis",
    description: `Puts back what backup wrote. NATS and Redis run, and hold nothing of Sluice; the services are stopped, and started afterwards with the key that encrypts the signing keys (AUTH_KEY_ENCRYPTION_KEY) of before. Sequences and times are as they were: streams of clients go on where they were, up to the backup. Who has seen later events is told reset.

Events that were erased after the backup are back: erase them again before the edges start to serve.`,
    examples: [`npx sluice restore backups/monday`],
  })
    .argument("<folder>", "the folder that backup wrote")
    .option("--no-redis", "leave Redis out: everybody logs in again")
    .option("--reopen", "have a home that was fenced take events again; only where no other region has taken it over")
    .option("--replicas <n>", "keep so many copies of each stream, where the cluster has another size now")
    .action((folder: string, given: unknown) => restore(resolve(folder), readOptions(optionsSchema, given), terminal));
}

async function restore(folder: string, options: RestoreOptions, terminal: Terminal): Promise<void> {
  const { env, print } = terminal;
  const contents = await readContents(folder, options);
  await using stack = new AsyncDisposableStack();
  const nats = stack.adopt(await connectBus("backup", env), (connection) => connection.close());
  await requireEmptyBus(await jetstreamManager(nats, { checkAPI: false }), contents);
  if (options.redis && contents.redis !== undefined) {
    await using redis = await openRedis(redisOfBackup(env));
    if (await holdsKeys(redis)) throw new ScriptError("Redis holds keys of Sluice: nothing was put back");
    const keys = await restoreRedis(redis, redisPath(folder), Date.now() - Date.parse(contents.at));
    print({ keys }, `${keys} keys of Redis; what would have expired since the backup is left out`);
  }
  for (const snapshot of contents.streams) {
    const { name } = snapshot.config;
    const stored = options.reopen ? reopenedConfig(snapshot.config) : snapshot.config;
    const config = options.replicas === undefined ? stored : { ...stored, num_replicas: options.replicas };
    await restoreStream(nats, { ...snapshot, config }, snapshotPath(folder, name));
    const { messages } = snapshot.state;
    print({ stream: name, messages }, `${name}: ${messages} messages`);
  }
  print({ restored: contents.at }, `everything is as it was at ${contents.at}; start the services`);
}

async function requireEmptyBus(manager: JetStreamManager, { streams }: BackupContents): Promise<void> {
  const wanted = new Set(streams.map(({ config }) => config.name));
  const there: string[] = [];
  for await (const name of manager.streams.names()) if (wanted.has(name) || isHomeStream(name)) there.push(name);
  if (there.length === 0) return;
  throw new ScriptError(
    `the bus holds ${there.slice(0, 5).join(", ")} already: nothing was put back. Restore into an empty one`,
  );
}
