import { expect, test } from "vitest";
import { Grant, STILL_VALID } from "../../access/grant.ts";
import { createResidual } from "../../access/residual.ts";
import { PresenceRight, READ_PRESENCE } from "./presence-right.ts";

const VERSION = { number: 1, build: "b1" };

function grantOf(allow: readonly string[]): Grant {
  const grant = new Grant("g", []);
  const residual = createResidual({ allow, deny: [], allowWhen: [], denyWhen: [] });
  grant.decide(READ_PRESENCE, { version: VERSION, residual, through: STILL_VALID });
  return grant;
}

const VALID = { grant: grantOf([">"]), deadline: 1_000, ended: undefined, grantedThrough: () => STILL_VALID };

test("a watched topic is granted while session and grant are known to hold", () => {
  const right = new PresenceRight("order.*.42");
  expect(right.judge(VALID, 999)).toBe("granted");
  expect(right.judge(VALID, 1_000)).toBe("held");
  expect(right.judge({ ...VALID, deadline: undefined }, 0)).toBe("held");
  expect(right.judge({ ...VALID, grantedThrough: () => 7 }, 0)).toBe("held");
  expect(right.judge({ ...VALID, grant: undefined }, 0)).toBe("held");
  expect(right.judge({ ...VALID, ended: "revoked" }, 0)).toBe("denied");
});

test("it is denied where the right covers less than the whole topic, and undecided until policy has answered", () => {
  const right = new PresenceRight("order.*.42");
  expect(right.judge({ ...VALID, grant: grantOf(["order.created.>"]) }, 0)).toBe("denied");
  expect(right.judge({ ...VALID, grant: grantOf(["order.>"]) }, 0)).toBe("granted");
  expect(right.judge({ ...VALID, grant: new Grant("g", []) }, 0)).toBe("undecided");
  expect(right.judge({ ...VALID, grant: grantOf([]) }, 0)).toBe("denied");
});
