import { afterEach, expect, test, vi } from "vitest";
import { refreshOnce } from "../credentials/refresh-once.ts";
import { ownEnvironment } from "./own-environment.ts";

const STORAGES = ["localStorage", "sessionStorage"] as const;
const own = STORAGES.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const);
afterEach(() => {
  vi.unstubAllGlobals();
  for (const [name, descriptor] of own) Object.defineProperty(globalThis, name, descriptor ?? { configurable: true });
});

/** A page whose browser refuses what needs a place to keep something, each in its own way. */
function stubPage({ mayKeep, origin }: { readonly mayKeep: boolean; readonly origin: string }): void {
  const denied = (): Error => new DOMException("denied", "SecurityError");
  vi.stubGlobal("document", {});
  vi.stubGlobal("origin", origin);
  vi.stubGlobal("navigator", {
    locks: {
      request: async (...given: unknown[]) => {
        if (!mayKeep) throw denied();
        return (given.at(-1) as (lock: object) => unknown)({});
      },
    },
  });
  for (const name of STORAGES) {
    Object.defineProperty(globalThis, name, {
      configurable: true,
      get: () => {
        if (mayKeep) return { getItem: () => null, setItem: () => undefined };
        throw denied();
      },
    });
  }
}

test.each([
  { page: "a page", mayKeep: true, origin: "https://app.example.com" },
  { page: "a page whose site data is blocked", mayKeep: false, origin: "https://app.example.com" },
  { page: "a frame in a sandbox", mayKeep: false, origin: "null" },
])("$page can refresh its token", async ({ mayKeep, origin }) => {
  stubPage({ mayKeep, origin });
  const refreshed = await refreshOnce(ownEnvironment(), {
    url: "https://edge.example.com",
    person: "ann",
    refresh: async () => ({ token: "fresh" }),
    isOwn: () => true,
  });
  expect(refreshed).toEqual({ token: "fresh" });
});
