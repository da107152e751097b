import { describe, expect, test } from "vitest";
import { parseBusCommand } from "./command.ts";

describe("npm run bus", () => {
  test("takes a command, a tenant, and where things are", () => {
    expect(parseBusCommand([])).toEqual({ name: "help" });
    expect(parseBusCommand(["list"])).toEqual({ name: "list", directory: "infra/nats", pidFile: undefined });
    expect(parseBusCommand(["--dir", "/etc/nats", "--pid-file", "p", "--", "add", "-9_"])).toEqual({
      name: "add",
      tenant: "-9_",
      directory: "/etc/nats",
      pidFile: "p",
    });
  });

  test.each([
    ["add a.b", "a tenant's name"],
    ["add SLUICE", "one of Sluice's own"],
    ["remove EDGE", "one of Sluice's own"],
    ["add", "usage"],
    ["add a b", "usage"],
    ["list a", "usage"],
    ["drop a", "usage"],
    ["add a --what", "usage"],
  ])("%s is refused with what to do instead", (line, told) => {
    expect(() => parseBusCommand(line.split(" "))).toThrow(told);
  });
});
