import { Hono } from "hono";
import { expect, test } from "vitest";
import { AppError } from "#shared/errors/app-error.ts";
import { waitFor } from "#test/support/wait.ts";
import type { EventTails } from "../tail-events.ts";
import type { TailViewer } from "../tail/viewer.ts";
import type { AuthorizeDeps } from "./authorize.ts";
import { addTailRoute } from "./tail-route.ts";

const REQUEST = { headers: { authorization: "Bearer an-operators-token" } };

/** The route, with a viewer in hand and a right that can be taken away. */
async function openTail(checkRightEveryMs = 5) {
  let policy = {};
  let refusal: AppError | undefined;
  let viewer: TailViewer | undefined;
  let isWatched = true;
  const tails: EventTails = {
    async open(_, opened) {
      viewer = opened;
      return { [Symbol.dispose]: () => void (isWatched = false) };
    },
    async [Symbol.asyncDispose]() {},
  };
  const authorizeDeps = {
    operators: { operatorOf: () => (refusal === undefined ? "operator" : undefined) },
    guesses: { waitSeconds: async () => 0, note: async () => undefined },
    addressOf: () => "127.0.0.1",
    snapshots: { find: () => policy },
    verify: () => Promise.reject(refusal ?? new Error("nobody asks")),
  } as unknown as AuthorizeDeps;
  const api = new Hono();
  addTailRoute(api, authorizeDeps, { tails, find: async () => undefined }, { checkRightEveryMs });
  const response = await api.request("/v1/tenants/acme/tail", REQUEST);
  if (viewer === undefined) throw new Error("nobody watches");
  return {
    response,
    viewer,
    isWatched: () => isWatched,
    refuse: (error: AppError) => void (refusal = error),
    changePolicy: () => void (policy = {}),
  };
}

test.each<[ConstructorParameters<typeof AppError>[0], string]>([
  ["token_expired", "auth_error"],
  ["session_ended", "auth_error"],
  ["unavailable", "busy"],
])("a viewer whose right is answered %s is ended with %s", async (code, event) => {
  const { response, isWatched, refuse } = await openTail();
  refuse(new AppError(code, "no more"));
  const text = await response.text();
  expect(text).toContain(`event: ${event}\ndata: {"reason":"${code}"`);
  expect(isWatched()).toBe(false);
});

test("a viewer whose right a change of the policy takes is ended before it would be looked at again", async () => {
  const { response, refuse, changePolicy } = await openTail(3_600_000);
  refuse(new AppError("forbidden", "no more"));
  changePolicy();
  expect(await response.text()).toBe('retry: 2000\nevent: auth_error\ndata: {"reason":"forbidden"}\n\n');
});

test("a viewer that does not read is ended, and nothing is kept for it", async () => {
  const { response, viewer, isWatched } = await openTail();
  const frame = { event: "gap", data: { reason: "too_far_back" } } as const;
  const size = JSON.stringify(frame.data).length;
  for (let bytes = 0; bytes < 1024 * 1024; bytes += size) viewer.show(frame);
  expect(isWatched()).toBe(true);
  for (let bytes = 0; bytes < 2 * 1024 * 1024; bytes += size) viewer.show(frame);
  expect(isWatched()).toBe(false);
  await expect(response.text()).rejects.toThrow("does not read");
});

test("a viewer that leaves is forgotten", async () => {
  const { response, isWatched } = await openTail();
  await response.body?.cancel();
  await waitFor("it is forgotten", () => !isWatched());
});
