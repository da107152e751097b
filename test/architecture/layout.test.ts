import { describe, expect, test } from "vitest";
import { listFiles, readSources, readText } from "./read-sources.ts";

const files = listFiles();

describe("the tree", () => {
  test("the top level holds what was agreed and dot files", () => {
    const agreed = ["package.json", "package-lock.json", "tsconfig.json", "docker-compose.yml", "README.md", "LICENSE"];
    const folders = ["services", "proto", "infra", "scripts", "test", "docs"];
    const names = new Set(files.map((path) => path.split("/")[0] ?? ""));
    const extra = [...names].filter((name) => !name.startsWith(".") && ![...agreed, ...folders].includes(name));
    expect(extra).toEqual([]);
  });

  test("files are named in kebab case", () => {
    const sources = readSources("services/", "scripts/", "test/").map(({ path }) => path);
    expect(sources.filter((path) => !/^([a-z0-9-]+\/)+[a-z0-9-]+(\.[a-z]+)*\.tsx?$/.test(path))).toEqual([]);
  });

  test("no file says nothing by its name", () => {
    const vague = /(^|[/-])(utils?|helpers?|managers?|data|info|impl|misc|common)(\.test)?\.tsx?$/;
    expect(files.filter((path) => vague.test(path))).toEqual([]);
  });
});

describe("a file", () => {
  test("of ours has at most 300 lines", () => {
    const long = readSources("services/", "scripts/", "test/").filter(({ text }) => text.split("\n").length > 301);
    expect(long.map(({ path }) => path)).toEqual([]);
  });

  test("of a test stops a process by `freeze`, which waits until every thread stands still", () => {
    const raw = readSources("services/", "scripts/", "test/").filter(({ text }) => /\(.*"SIGSTOP"\)/.test(text));
    expect(raw.map(({ path }) => path)).toEqual(["test/support/freeze.ts"]);
  });

  test("names no folder of somebody's machine", () => {
    const machine = /(?<![\w.@:/-])\/(home|root|Users|work|var\/tmp)\/[\w.-]/;
    const wrong = files.flatMap((path) => {
      const lines = (readText(path) ?? "").split("\n");
      return lines.flatMap((line, place) => (machine.test(line) ? [`${path}:${place + 1}: ${line.trim()}`] : []));
    });
    expect(wrong).toEqual([]);
  });
});

describe.each(["auth", "policy", "publish", "stream"])("services/%s", (service) => {
  test("begins with main, config and app, and a test starts it with Node itself", () => {
    const beginning = ["main.ts", "config.ts", "app.ts", "main.test.ts"].map((name) => `services/${service}/${name}`);
    expect(beginning.filter((path) => !files.includes(path))).toEqual([]);
  });

  test("has a main of less than 25 lines", () => {
    const lines = (readText(`services/${service}/main.ts`) ?? "").trimEnd().split("\n");
    expect(lines.length).toBeLessThan(25);
  });
});
