import { inTurns } from "#shared/async/in-turns.ts";
import { poll } from "#shared/async/poll.ts";
import { watchFile } from "#shared/files/watch-file.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { type Accounts, type ReplaceableUsers, type User } from "./user-directory.ts";

/** A user who may no longer log in, or whose roles or groups changed. */
export interface UserChange {
  readonly kind: "gone" | "changed";
  readonly tenant: string;
  readonly username: string;
}

/** So many users are compared in a millisecond or two. */
const COMPARED_AT_ONCE = 1_000;

type Step = () => Promise<void>;

/** The file, the users that it replaces, and what happens then. */
export interface UserWatchOptions {
  readonly path: string;
  readonly everyMs: number;
  readonly users: ReplaceableUsers;
  readonly read: () => Promise<Accounts>;
  /** The steps that follow a change. A step that throws is tried again at the next look. */
  readonly stepsOf: (change: UserChange) => Step[];
  /** Called for each rejected file. */
  readonly onRejected: () => void;
  readonly log: Logger;
}

/**
 * Watches the users' file. A broken file changes nothing. The steps of a change begin at once; a failed step is tried again
 * until it succeeds. Disposing ends the watch after the look under way.
 */
export function watchUsers({
  path,
  everyMs,
  users,
  read,
  stepsOf,
  onRejected,
  log,
}: UserWatchOptions): AsyncDisposable {
  const stop = new AbortController();
  const failed: Step[] = [];
  const run = async (steps: readonly Step[]): Promise<void> => {
    failed.push(...(await runSteps(steps, log, stop.signal)));
  };
  const watch = watchFile({
    paths: [path],
    everyMs,
    read,
    async onRead(accounts) {
      const changes = await replaceUsers(users, accounts);
      log.info({ users: accounts.size }, "the users' file is in force");
      await run(changes.flatMap(stepsOf));
    },
    onFault(reason) {
      log.error({ reason }, "the users' file was rejected; the last one stays in force");
      onRejected();
    },
  });
  const retry = poll(everyMs, async () => run(failed.splice(0)));
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all([watch[Symbol.asyncDispose](), retry[Symbol.asyncDispose]()]);
    },
  };
}

/** Replaces the accounts, and returns the changes of users who could log in before. */
async function replaceUsers(users: ReplaceableUsers, accounts: Accounts): Promise<UserChange[]> {
  const before = users.enabled();
  users.replace(accounts);
  const changes = await inTurns(before, COMPARED_AT_ONCE, (user) =>
    changeOf(user, users.find(user.tenant, user.username)),
  );
  return changes.filter((change) => change !== undefined);
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

/** Runs the steps and returns the failed ones. */
async function runSteps(steps: readonly Step[], log: Logger, stop: AbortSignal): Promise<Step[]> {
  const failed: Step[] = [];
  for (const step of steps) {
    if (stop.aborted) break;
    await step().catch((error: Error) => {
      log.warn({ reason: error.message }, "a change of a user is not in force everywhere yet; trying again");
      failed.push(step);
    });
  }
  return failed;
}
