import { AppError } from "#shared/errors/app-error.ts";

/**
 * Runs a job of an owner when its turn comes; throws AppError `unavailable` when there is no room to wait. The jobs that wait
 * get their turns owner by owner: who has hundreds of them keeps another one waiting for a single turn.
 */
export type Gate = <Result>(owner: string, job: () => Promise<Result>) => Promise<Result>;

interface GateLimits {
  readonly maxRunning: number;
  readonly maxWaiting: number;
  readonly maxWaitingOfOne: number;
}

/** A job that waits. */
interface Waiting {
  readonly start: () => void;
  readonly refuse: (error: AppError) => void;
}

/**
 * Lets so many jobs run at once and so many wait. Where all places are taken, an owner with fewer waiting jobs takes one from
 * the owner with the most.
 */
export function createGate({ maxRunning, maxWaiting, maxWaitingOfOne }: GateLimits): Gate {
  /** By owner; the first owner here is next. */
  const queues = new Map<string, Waiting[]>();
  let running = 0;
  let waiting = 0;
  const makeRoom = (owner: string): void => {
    const own = queues.get(owner)?.length ?? 0;
    if (own >= maxWaitingOfOne) throw tooMany();
    if (waiting < maxWaiting) return;
    const longest = longestOf(queues);
    if (longest.length <= own + 1) throw tooMany();
    waiting -= 1;
    longest.pop()?.refuse(tooMany());
  };
  const enter = async (owner: string): Promise<void> => {
    if (running < maxRunning) {
      running += 1;
      return;
    }
    makeRoom(owner);
    waiting += 1;
    await new Promise<void>((start, refuse) => {
      queues.set(owner, [...(queues.get(owner) ?? []), { start, refuse }]);
    });
  };
  const leave = (): void => {
    const next = takeNext(queues);
    if (next === undefined) {
      running -= 1;
      return;
    }
    waiting -= 1;
    next.start();
  };
  return async (owner, job) => {
    await enter(owner);
    try {
      return await job();
    } finally {
      leave();
    }
  };
}

function longestOf(queues: ReadonlyMap<string, Waiting[]>): Waiting[] {
  let longest: Waiting[] = [];
  for (const queue of queues.values()) if (queue.length > longest.length) longest = queue;
  return longest;
}

/** Takes the first job of the owner whose turn it is, who is last in turn then. */
function takeNext(queues: Map<string, Waiting[]>): Waiting | undefined {
  const [first] = queues;
  if (first === undefined) return undefined;
  const [owner, [next, ...others]] = first;
  queues.delete(owner);
  if (others.length > 0) queues.set(owner, others);
  return next;
}

function tooMany(): AppError {
  return new AppError("unavailable", "too many logins at once; try again in a moment");
}
