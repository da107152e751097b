import { describe, expect, it } from "vitest";
import { AppError } from "#shared/errors/app-error.ts";
import { JobEndedError, type JobLimits } from "#shared/work/worker-pool.ts";
import { type DocumentJob, doDocumentJob } from "./compile-job.ts";
import { createDocumentCompiler, type DocumentJobs } from "./document-compiler.ts";

const TEXT = "tenant: acme\nroles: { a: { allow: ['x:y'] } }";

describe("the compiler of documents", () => {
  const asked: Array<readonly [string, DocumentJob["kind"], JobLimits]> = [];
  const outcomes: string[] = [];
  const open = (answer: DocumentJobs["run"] = async (_, job) => doDocumentJob(job)) => {
    asked.length = 0;
    outcomes.length = 0;
    const run: DocumentJobs["run"] = (owner, job, limits) => {
      asked.push([owner, job.kind, limits]);
      return answer(owner, job, limits);
    };
    return createDocumentCompiler({ run }, { deadlineMs: 100, onCompiled: (outcome) => outcomes.push(outcome) });
  };

  it("compiles a tenant's text once, however many ask for it, and another text or tenant by itself", async () => {
    const compiler = open();
    const all = await Promise.all([1, 2, 3].map(() => compiler.compile("acme", TEXT, "change")));
    expect(new Set(all).size).toBe(1);
    expect(await compiler.compile("acme", TEXT, "stored")).toBe(all[0]);
    expect(asked).toHaveLength(1);
    await compiler.compile("acme", `${TEXT}\n`, "change");
    expect((await compiler.compile("other", TEXT, "change")).faults).toMatchObject([{ path: "tenant" }]);
    expect(asked.map(([owner]) => owner)).toEqual(["acme", "acme", "other"]);
    expect(outcomes).toEqual(["compiled", "compiled", "refused"]);
  });

  it("gives what was in force more time than a change, and never refuses it", async () => {
    const compiler = open();
    await compiler.compile("acme", TEXT, "change");
    await compiler.compile("acme", `${TEXT}\n`, "stored");
    expect(asked.map(([, , limits]) => limits)).toEqual([
      { deadlineMs: 100, mayBeRefused: true },
      { deadlineMs: 1_500, mayBeRefused: false },
    ]);
  });

  it("refuses a document that takes too long, says what to do, and reads it again when it is sent again", async () => {
    const compiler = open(() => Promise.reject(new JobEndedError("it took more than 0.1 s")));
    const refused = expect.objectContaining({
      code: "document_invalid",
      message: expect.stringMatching(/given up, because it took more than 0.1 s to read.*fewer rules/s),
    });
    await expect(compiler.compile("acme", TEXT, "change")).rejects.toEqual(refused);
    await expect(compiler.compile("acme", TEXT, "change")).rejects.toEqual(refused);
    expect([asked.length, outcomes]).toEqual([2, ["ended", "ended"]]);
  });

  it("passes on that too many wait, and does without a comparison that cannot be had", async () => {
    const compiler = open(() => Promise.reject(new AppError("unavailable", "full")));
    await expect(compiler.compile("acme", TEXT, "change")).rejects.toMatchObject({ code: "unavailable" });
    const version = { shared: new Uint8Array(), storedAt: 0, httpBindings: new Map() };
    expect(await compiler.compare("acme", { before: version, after: version })).toBeUndefined();
  });

  it("tells failed test cases beside what it compiled", async () => {
    const text = `${TEXT}\ntests: [{ subject: s, permission: 'x:y', expect: allow }]`;
    expect(await open().compile("acme", text, "change")).toMatchObject({ failed: [{ path: "tests.0" }] });
  });
});
