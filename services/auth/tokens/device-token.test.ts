import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { formatDeviceToken, newDeviceId, parseDeviceToken } from "./device-token.ts";

const [key, other] = [randomBytes(32), randomBytes(32)];
const ann = { tenant: "acme", username: "ann" };
const device = newDeviceId();
const token = formatDeviceToken(device, ann, key);

test("a device token says which browser it is, by any of the keys", () => {
  expect(parseDeviceToken(token, ann, [other, key])).toBe(device);
});

test.each([
  ["another account", token, { tenant: "acme", username: "bob" }],
  ["another tenant", token, { tenant: "rival", username: "ann" }],
  ["another browser", token.replace(device, newDeviceId()), ann],
  ["a refresh token", `${device}.1.${"A".repeat(43)}`, ann],
  ["nothing", "", ann],
])("of %s it says nothing", (_what, text, account) => {
  expect(parseDeviceToken(text, account, [key])).toBeUndefined();
});

test("by another key it says nothing", () => {
  expect(parseDeviceToken(token, ann, [other])).toBeUndefined();
});
