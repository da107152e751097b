import { expect, test } from "vitest";
import { deviceLabelOf, deviceSchema } from "./device-label.ts";

test("a session is called by the printable part of the browser's words, at most 120 characters", () => {
  expect(deviceLabelOf("Mozilla/5.0 (X11)")).toBe("Mozilla/5.0 (X11)");
  expect(deviceLabelOf("a\u0000\u001b[31m\u202e\u0085b")).toBe("a[31mb");
  expect(deviceLabelOf("x".repeat(121))).toBe("x".repeat(120));
  for (const nothing of [undefined, "", " ", "\u0007"]) expect(deviceLabelOf(nothing)).toBe("unknown device");
});

test("a session in a browser is called by the browser and the system it runs on", () => {
  const labels: [string, string][] = [
    ["Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"],
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
      "Safari on iOS (iPhone)",
    ],
    ["curl/8.5.0", "curl/8.5.0"],
  ];
  for (const [words, label] of labels) expect(deviceLabelOf(words)).toBe(label);
});

test("a name that a user gives has 1 to 120 printable characters", () => {
  for (const name of ["Ann's phone", "Büro 2", "x".repeat(120), " kitchen "]) {
    expect(deviceSchema.parse(name)).toBe(name.trim());
  }
  for (const bad of ["", " ", "x".repeat(121), "a\nb", "a\u0000", "\u202eb", 7]) {
    expect(deviceSchema.safeParse(bad).success).toBe(false);
  }
});
