import { readdir, readFile } from "node:fs/promises";
import { parser } from "@prometheus-io/lezer-promql";
import { describe, expect, test } from "vitest";
import { complaintsOf, promtool } from "#test/support/promtool.ts";
import { alerts, expressionsOf } from "#test/support/observed.ts";
import { DASHBOARDS } from "./dashboards.ts";
import { toGrafanaJson } from "./grafana-json.ts";

const FOLDER = "infra/observe/grafana/dashboards";

describe("alerts", () => {
  test.skipIf(promtool === undefined)("fire each once, and not on a day like any other", async () => {
    expect(await complaintsOf(["test", "rules", "infra/observe/alerts.test.yml"])).toBe("");
  });

  test("are in the tests that fire them, all of them", async () => {
    const tests = await readFile("infra/observe/alerts.test.yml", "utf8");
    const fired = [...tests.matchAll(/alertname="(\w+)"/g)].map(([, name = ""]) => name);
    expect(fired.toSorted()).toEqual((await alerts()).map(({ alert }) => alert).toSorted());
  });

  test("lead to a section of their page each, and each section has its alert", async () => {
    const page = await readFile("docs/operate/alerts.md", "utf8");
    const sections = [...page.matchAll(/^## (\w+)$/gm)].map(([, name = ""]) => name);
    const links = (await alerts()).map(({ annotations }) => annotations.runbook_url);
    expect(links).toEqual(sections.map((name) => `docs/operate/alerts.md#${name.toLowerCase()}`));
  });
});

test.skipIf(promtool === undefined)("the configuration of Prometheus is one", async () => {
  expect(await complaintsOf(["check", "config", "infra/observe/prometheus.yml"])).toBe("");
});

describe("dashboards", () => {
  test("are those that the script writes, and no others: npm run gen", async () => {
    const files = await readdir(FOLDER);
    expect(files.toSorted()).toEqual(DASHBOARDS.map(({ uid }) => `${uid}.json`).toSorted());
    for (const dashboard of DASHBOARDS) {
      const file = await readFile(`${FOLDER}/${dashboard.uid}.json`, "utf8");
      expect(JSON.parse(file)).toEqual(JSON.parse(toGrafanaJson(dashboard)));
    }
  });

  test("have a title and a way to be read for each panel", () => {
    for (const { panels } of DASHBOARDS) {
      expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
      expect(panels.filter(({ about, queries }) => about === "" || queries.length === 0)).toEqual([]);
    }
  });
});

test("every expression is one of PromQL", async () => {
  const wrong = (await expressionsOf()).filter((expression) => {
    let isWrong = false;
    parser.parse(expression).iterate({ enter: ({ type }) => void (isWrong ||= type.isError) });
    return isWrong;
  });
  expect(wrong).toEqual([]);
});
