import { stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { BootError } from "#shared/config/read-config.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { type Accounts, type ReplaceableUsers, type User } from "./user-directory.ts";

/** A user who may no longer log in, or whose roles or groups are other than before. */
export interface UserChange {
  readonly kind: "gone" | "changed";
  readonly tenant: string;
  readonly username: string;
}

/** What a watch needs. */
export interface UserWatchOptions {
  readonly path: string;
  readonly everyMs: number;
  readonly users: ReplaceableUsers;
  readonly read: () => Promise<Accounts>;
  /** What a change entails, step by step. A step that throws is tried again at the next look. */
  readonly stepsOf: (change: UserChange) => (() => Promise<void>)[];
  /** Told of a file that was not put in force. */
  readonly onRejected: () => void;
  readonly log: Logger;
}

/**
 * Watches the users' file by looking at it, as editors and Kubernetes replace files in ways no notification tells. It is read
 * once two looks in a row found it the same. A broken one changes nothing. Disposing ends the watch after the look under way.
 */
export function watchUsers(options: UserWatchOptions): AsyncDisposable {
  const stop = new AbortController();
  const ended = lookUntil(stop.signal, options);
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}

async function lookUntil(stop: AbortSignal, { path, everyMs, ...options }: UserWatchOptions): Promise<void> {
  let [seen, taken] = [await stampOf(path), ""];
  let steps: (() => Promise<void>)[] = [];
  while (!stop.aborted) {
    await delay(everyMs, undefined, { signal: stop }).catch(() => undefined);
    if (stop.aborted) return;
    const stamp = await stampOf(path);
    if (stamp === seen && stamp !== taken) {
      taken = stamp;
      const changes = await takeFile(options);
      steps.push(...changes.flatMap(options.stepsOf));
    }
    seen = stamp;
    steps = await runSteps(steps, options.log, stop);
  }
}

/** Differs once the file was written or replaced, or its link points somewhere else. */
async function stampOf(path: string): Promise<string> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  if (found === undefined) return "absent";
  return [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join();
}

async function takeFile({
  users,
  read,
  onRejected,
  log,
}: Pick<UserWatchOptions, "users" | "read" | "onRejected" | "log">): Promise<UserChange[]> {
  try {
    const accounts = await read();
    const before = users.enabled();
    users.replace(accounts);
    log.info({ users: accounts.size }, "the users' file is in force");
    return before.flatMap((user) => changeOf(user, users.find(user.tenant, user.username)) ?? []);
  } catch (error) {
    if (!(error instanceof BootError)) throw error;
    log.error({ reason: error.message }, "the users' file was rejected; the last one stays in force");
    onRejected();
    return [];
  }
}

function changeOf(before: User, now: User | undefined): UserChange | undefined {
  const { tenant, username } = before;
  if (now === undefined) return { kind: "gone", tenant, username };
  const isSame = holdsSame(before.roles, now.roles) && holdsSame(before.groups, now.groups);
  return isSame ? undefined : { kind: "changed", tenant, username };
}

function holdsSame(before: readonly string[], now: readonly string[]): boolean {
  return new Set(before).symmetricDifference(new Set(now)).size === 0;
}

/** Runs the steps and answers those that have to be tried again. */
async function runSteps(
  steps: readonly (() => Promise<void>)[],
  log: Logger,
  stop: AbortSignal,
): Promise<(() => Promise<void>)[]> {
  const failed: (() => Promise<void>)[] = [];
  for (const step of steps) {
    if (stop.aborted) break;
    await step().catch((error: Error) => {
      log.warn({ reason: error.message }, "a change of a user is not in force everywhere yet; trying again");
      failed.push(step);
    });
  }
  return failed;
}
