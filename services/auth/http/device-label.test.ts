import { expect, test } from "vitest";
import { deviceLabelOf, deviceSchema } from "./device-label.ts";

test("a session is called by the printable part of the browser's words, at most 120 characters", () => {
  expect(deviceLabelOf("Mozilla/5.0 (X11)")).toBe("Mozilla/5.0 (X11)");
  expect(deviceLabelOf("a\u0000\u001b[31m\u202e\u0085b")).toBe("a[31mb");
  expect(deviceLabelOf("x".repeat(121))).toBe("x".repeat(120));
  for (const nothing of [undefined, "", " ", "\u0007"]) expect(deviceLabelOf(nothing)).toBe("unknown device");
});

test("a name that a user gives has 1 to 120 printable characters", () => {
  for (const name of ["Ann's phone", "Büro 2", "x".repeat(120), " kitchen "]) {
    expect(deviceSchema.parse(name)).toBe(name.trim());
  }
  for (const bad of ["", " ", "x".repeat(121), "a\nb", "a\u0000", "\u202eb", 7]) {
    expect(deviceSchema.safeParse(bad).success).toBe(false);
  }
});
