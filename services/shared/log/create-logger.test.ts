import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { COMMON_FIELDS, ERROR_FIELDS, LINE_FIELDS, nameFields } from "./line-fields.ts";
import { prettyLine } from "./pretty-line.ts";

const PAGE = new URL("../../../docs/reference/logs.md", import.meta.url);

describe("the fields of a line", () => {
  test("stand in the reference, all of them, and no others do", () => {
    const [, fields = ""] = readFileSync(PAGE, "utf8").split("\n## Fields\n");
    const rows = [...fields.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name);
    expect(new Set(rows)).toEqual(new Set([...COMMON_FIELDS, ...ERROR_FIELDS, ...Object.values(LINE_FIELDS)]));
    expect(rows).toHaveLength(new Set(rows).size);
  });

  test("have the names of OpenTelemetry's conventions where there is one, and their own otherwise", () => {
    expect(nameFields({ subject: "ann", address: "192.0.2.1", tenant: "acme", connectionId: "w-1" })).toEqual({
      "user.id": "ann",
      "client.address": "192.0.2.1",
      tenant: "acme",
      connectionId: "w-1",
    });
  });

  test("of an error are its type, its message and its stack, with those of its causes", () => {
    const error = new TypeError("broken", { cause: new Error("because") });
    const fields = nameFields({ err: error });
    expect(Object.keys(fields)).toEqual(ERROR_FIELDS);
    expect(fields).toMatchObject({ "exception.type": "TypeError", "exception.message": "broken" });
    expect(fields["exception.stacktrace"]).toMatch(/TypeError: broken\n[^]*caused by: Error: because/);
    const endless = new Error("again");
    endless.cause = endless;
    expect(String(nameFields({ err: endless })["exception.stacktrace"]).match(/Error: again/g)).toHaveLength(4);
    expect(nameFields({ err: undefined })).toEqual({});
  });
});

describe("a line for people", () => {
  const LINE = {
    level: "warn",
    time: "2026-01-31T12:34:56.789Z",
    "service.name": "stream",
    "host.name": "h",
    "process.pid": 1,
    tenant: "acme",
    "user.id": "Ann Lee",
    topics: [{ topic: "order.>" }],
    msg: "a stream ended",
  };

  test("says when, how serious, which service and what, and then the facts", () => {
    expect(plain(LINE)).toBe(
      '12:34:56.789 WARN  stream a stream ended tenant=acme user.id="Ann Lee" topics=[{"topic":"order.>"}]\n',
    );
  });

  test("is followed by the stack of an error", () => {
    const text = plain({ ...LINE, level: "error", "exception.stacktrace": "Error: x\n  at y" });
    expect(text).toMatch(/a stream ended [^\n]*\n {4}Error: x\n {4}  at y\n$/);
  });

  test("holds nothing that a terminal obeys, whatever strangers put into it", () => {
    const text = prettyLine(
      JSON.stringify({ ...LINE, "user_agent.original": "a\u001b]0;x\u0007\u202eb", msg: "x\u001b[2J" }),
    );
    for (const obeyed of ["\u001b]", "\u0007", "\u202e", "\u001b[2J"]) expect(text).not.toContain(obeyed);
    expect(text).toContain("\\u001b[2J");
  });

  test("is the text as it is where that is no line of ours", () => {
    expect(prettyLine("node: broken\n")).toBe("node: broken\n");
    expect(prettyLine("7\n")).toBe("7\n");
  });
});

describe("a log whose reader has left", () => {
  test.each(["json", "pretty"])("throws nothing into whoever writes to it: %s", async (format) => {
    const file = new URL("create-logger.ts", import.meta.url);
    const program = `
      import { createLogger } from "${file.href}";
      const log = createLogger("test", "info", "${format}");
      process.stdin.resume().on("end", () => [1, 2].forEach((line) => log.info(String(line))));
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    child.stdout.destroy();
    await once(child.stdout, "close");
    child.stdin.end();
    expect(await once(child, "exit")).toEqual([0, null]);
  });
});

/** The line without its colours. */
function plain(line: object): string {
  return stripVTControlCharacters(prettyLine(JSON.stringify(line)));
}
