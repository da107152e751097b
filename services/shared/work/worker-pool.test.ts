import { waitFor } from "#test/support/wait.ts";
import { afterEach, describe, expect, it } from "vitest";
import { JobEndedError, WorkerPool } from "./worker-pool.ts";

/** A thread that answers what it is asked, never ends `hang`, fails at `fail`, and takes all memory at `grow`. */
const SCRIPT = `
import { parentPort, threadId } from "node:worker_threads";
parentPort.on("message", (job) => {
  while (job === "hang");
  const all = [];
  while (job === "grow") all.push(new Array(100_000).fill(Math.random()));
  parentPort.postMessage(job === "fail" ? { error: "no" } : { answer: job + (job === "thread" ? threadId : "") });
});
parentPort.postMessage("ready");
`;

const OPTIONS = {
  script: new URL(`data:text/javascript,${encodeURIComponent(SCRIPT)}`),
  threads: 2,
  maxWaitingOfOwner: 2,
  maxWaiting: 3,
  maxMemoryMb: 16,
  fullMessage: "too many jobs wait",
  idleMs: 60_000,
};

const PATIENT = { deadlineMs: 60_000, mayBeRefused: true };
const HURRIED = { deadlineMs: 50, mayBeRefused: true };

describe("a pool of threads", () => {
  let pool: WorkerPool<string, string>;
  const open = (options: Partial<typeof OPTIONS> = {}): WorkerPool<string, string> => {
    pool = new WorkerPool({ ...OPTIONS, ...options });
    return pool;
  };
  afterEach(() => pool[Symbol.asyncDispose]());

  it("answers jobs, and tells why it has no answer", async () => {
    const { run } = { run: open().run.bind(pool) };
    expect(await run("a", "x", PATIENT)).toBe("x");
    await expect(run("a", "fail", PATIENT)).rejects.toThrow("no");
    expect(await run("a", "y", PATIENT)).toBe("y");
  });

  it("ends the thread of a job past its deadline, and goes on with another", async () => {
    open({ threads: 1 });
    const first = await pool.run("a", "thread", PATIENT);
    expect(await pool.run("a", "thread", PATIENT)).toBe(first);
    const late = pool.run("a", "hang", HURRIED);
    await expect(late).rejects.toThrow(JobEndedError);
    await expect(late).rejects.toThrow("it took more than 0.05 s");
    expect(await pool.run("a", "thread", PATIENT)).not.toBe(first);
  });

  it("ends a job that takes more memory than a thread may", async () => {
    open({ threads: 1 });
    await expect(pool.run("a", "grow", PATIENT)).rejects.toThrow("it took more memory than it may");
    expect(await pool.run("a", "x", PATIENT)).toBe("x");
  });

  it("does one job of an owner at a time: another's waits behind none of them", async () => {
    open();
    const hanging = pool.run("a", "hang", PATIENT);
    const behind = [pool.run("a", "second", PATIENT), pool.run("a", "third", PATIENT)];
    for (const job of ["x", "y", "z"]) expect(await pool.run("b", job, PATIENT)).toBe(job);
    const settled = await Promise.race([Promise.any([hanging, ...behind]), pool.run("c", "still", PATIENT)]);
    expect(settled).toBe("still");
    for (const each of [hanging, ...behind]) each.catch(() => undefined);
  });

  it("gives owners their turns, whoever came first with how many", async () => {
    open({ threads: 1, maxWaiting: 10, maxWaitingOfOwner: 10 });
    const order: string[] = [];
    const run = (owner: string, job: string) => pool.run(owner, job, PATIENT).then((answer) => order.push(answer));
    await Promise.all([run("a", "a1"), run("a", "a2"), run("a", "a3"), run("b", "b1"), run("c", "c1")]);
    expect(order).toEqual(["a1", "b1", "c1", "a2", "a3"]);
  });

  it("refuses more than may wait, of one owner and in all, but not what may not be refused", async () => {
    open({ threads: 1 });
    const full = "too many jobs wait";
    const running = [pool.run("a", "1", PATIENT), pool.run("a", "2", PATIENT), pool.run("a", "3", PATIENT)];
    await expect(pool.run("a", "4", PATIENT)).rejects.toMatchObject({ code: "unavailable" });
    running.push(pool.run("b", "5", PATIENT));
    await expect(pool.run("c", "6", PATIENT)).rejects.toThrow(full);
    running.push(pool.run("c", "7", { ...PATIENT, mayBeRefused: false }));
    expect(await Promise.all(running)).toEqual(["1", "2", "3", "5", "7"]);
  });

  it("ends a thread that had no work for a while, and starts another for the next job", async () => {
    open({ threads: 1, idleMs: 1 });
    const first = await pool.run("a", "thread", PATIENT);
    const next = await waitFor("another thread", async () => {
      const answer = await pool.run("a", "thread", PATIENT);
      return answer === first ? undefined : answer;
    });
    expect(next).toMatch(/^thread\d+$/);
  });

  it("answers nobody once it is closed", async () => {
    open({ threads: 1 });
    const left = [pool.run("a", "hang", PATIENT), pool.run("a", "x", PATIENT)];
    const settled = Promise.allSettled(left);
    await pool[Symbol.asyncDispose]();
    expect((await settled).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await expect(pool.run("a", "x", PATIENT)).rejects.toMatchObject({ code: "unavailable" });
  });
});
