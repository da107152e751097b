import { describe, expect, test } from "vitest";
import { TRANSPORTS } from "#shared/protocol/transports.ts";
import { askerOf, isOffForAll, Transports } from "./transports.ts";

const healthy = { admits: () => true };
const all = new Transports(TRANSPORTS, healthy);

function asker(limits: object = {}, client?: string, id = "alice") {
  return askerOf({ tenant: "acme", subject: { id } }, client, { limits: { tier: "default", ...limits } });
}

describe("the transports of a client", () => {
  test("are all of the edge where the tenant says nothing", () => {
    expect(all.offeredTo(asker())).toEqual(TRANSPORTS);
    expect(new Transports(["sse", "poll"], healthy).offeredTo(asker())).toEqual(["sse", "poll"]);
  });

  test("are those of the edge where nobody is known", () => expect(all.offeredTo(undefined)).toEqual(TRANSPORTS));

  test("are not those that the tenant has turned off, nor those that fail; Server-Sent Events always are", () => {
    expect(all.offeredTo(asker({ websocketPercent: 0, ndjsonPercent: 100 }))).toEqual(["sse", "ndjson", "poll"]);
    const failing = new Transports(TRANSPORTS, { admits: ({ transport }) => transport !== "poll" });
    expect(failing.offeredTo(asker({ websocketPercent: 0 }))).toEqual(["sse", "ndjson"]);
  });

  test("are the same each time, by the client id, else by the person", () => {
    const limits = { websocketPercent: 50 };
    const has = (client: string | undefined, id: string) => all.isOn("websocket", asker(limits, client, id));
    const people = Array.from({ length: 100 }, (_, index) => `p${index}`);
    const without = people.map((id) => has(undefined, id));
    expect(people.map((id) => has(undefined, id))).toEqual(without);
    expect(new Set(without)).toEqual(new Set([true, false]));
    expect(new Set(people.map((id) => has("tab-1", id))).size).toBe(1);
  });
});

describe("a transport that is off", () => {
  test("is refused, and the refusal names those that are on", () => {
    const off = asker({ pollPercent: 0 });
    expect(() => all.requireOn("poll", off)).toThrow(
      expect.objectContaining({ code: "transport_off", message: expect.stringContaining("sse, websocket, ndjson") }),
    );
    expect(() => all.requireOn("sse", off)).not.toThrow();
  });

  test("is refused by an edge that does not speak it, whatever the tenant says", () => {
    const few = new Transports(["sse"], healthy);
    expect(() => few.requireOn("poll", asker({ pollPercent: 100 }))).toThrow("take one of sse");
    expect(() => few.requireOn("poll", undefined)).toThrow("take one of sse");
  });

  test("is none that only fails: whoever it works for may use it", () => {
    const failing = new Transports(TRANSPORTS, { admits: () => false });
    expect(() => failing.requireOn("poll", asker())).not.toThrow();
  });

  test.each([
    ["poll", { pollPercent: 0 }, true],
    ["poll", { pollPercent: 1 }, false],
    ["poll", {}, false],
    ["websocket", { pollPercent: 0 }, false],
    ["sse", { pollPercent: 0 }, false],
  ] as const)("for all: %s with %j is %s", (transport, limits, isOff) =>
    expect(isOffForAll(transport, { tier: "default", ...limits })).toBe(isOff),
  );
});
