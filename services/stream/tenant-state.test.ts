import { afterEach, describe, expect, test } from "vitest";
import { waitFor } from "#test/support/wait.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { invalidateGrants } from "./access/apply-control.ts";
import { openStream } from "./open-stream.ts";
import { createRig, type EdgeRig } from "#test/rigs/edge-rig.ts";

let rig: EdgeRig;
afterEach(() => rig[Symbol.asyncDispose]());

describe("a tenant that may have so many streams", () => {
  test("has that many and not one more, and what is refused is told and leaves nothing", async () => {
    rig = createRig();
    rig.policy.limits = { tier: "default", connections: 2 };
    await rig.open();
    await rig.open();
    await expect(openStream(rig.edge, rig.request())).rejects.toMatchObject({
      code: "too_many_requests",
      busy: "tenant_streams",
    });
    expect([rig.tenant.streams, rig.tenant.registrations.size, rig.edge.admission.open]).toEqual([2, 2, 2]);
    rig.policy.limits = { tier: "default", connections: 3 };
    rig.policy.version = 2;
    rig.control({ of: "policy", entry: { version: 2, build: "b2", roles: [], subjects: [] } });
    await rig.open();
    expect(rig.tenant.streams).toBe(3);
  });

  test("none, lets nobody in", async () => {
    rig = createRig();
    rig.policy.limits = { tier: "default", connections: 0 };
    await expect(openStream(rig.edge, rig.request())).rejects.toMatchObject({ busy: "tenant_streams" });
  });

  test("keeps the streams that it has when the number falls", async () => {
    rig = createRig();
    const stream = await rig.open();
    rig.policy.limits = { tier: "default", connections: 0 };
    await expect(openStream(rig.edge, rig.request())).rejects.toMatchObject({ busy: "tenant_streams" });
    rig.event("still here");
    await waitFor("the event is here", () => stream.events().includes("still here"));
  });
});

describe("a tenant of which policy says", () => {
  test.each(["tenant_suspended", "tenant_unknown"] as const)("%s, lets nobody in for good", async (code) => {
    rig = createRig();
    rig.policy.refusal = new AppError(code, "no");
    await expect(openStream(rig.edge, rig.request())).rejects.toMatchObject({ code });
    expect(rig.tenant.registrations.size).toBe(0);
  });

  test("that it is no more when its log is gone, has its streams ended", async () => {
    rig = createRig();
    await rig.open();
    rig.policy.refusal = new AppError("tenant_unknown", "there is no such tenant");
    invalidateGrants(rig.tenant, rig.edge);
    await waitFor("the stream is over", () => rig.tenant.streams === 0);
  });

  test("nothing while its log is gone, has its streams held, and no longer", async () => {
    rig = createRig();
    const stream = await rig.open();
    rig.policy.refusal = new AppError("unavailable", "policy does not answer");
    invalidateGrants(rig.tenant, rig.edge);
    rig.event("held back");
    await stream.allWritten();
    expect(stream.events()).toEqual([]);
    rig.policy.refusal = undefined;
    await waitFor("the event is here", () => stream.events().includes("held back"));
  });
});
