import { readFile } from "node:fs/promises";
import { parser } from "@prometheus-io/lezer-promql";
import { parse } from "yaml";
import { DASHBOARDS } from "../../scripts/observe/dashboards.ts";

/** An alert of `infra/observe/alerts.yml`. */
export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly runbook_url: string };
}

/** All alerts, in their order. */
export async function alerts(): Promise<readonly Alert[]> {
  const { groups } = parse(await readFile("infra/observe/alerts.yml", "utf8")) as { groups: { rules: Alert[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

/** The expressions of all alerts and dashboards, with something in the places of Grafana's variables. */
export async function expressionsOf(): Promise<readonly string[]> {
  const panels = DASHBOARDS.flatMap((dashboard) => dashboard.panels);
  const shown = panels.flatMap(({ queries }) => queries.map(({ expr }) => expr));
  const watched = (await alerts()).map(({ expr }) => expr);
  return [...shown, ...watched].map((expr) => expr.replaceAll("$__rate_interval", "1m").replaceAll("$instance", ".+"));
}

/** The metrics that an expression reads. */
export function metricsIn(expression: string): readonly string[] {
  const names: string[] = [];
  parser.parse(expression).iterate({
    enter({ name, node }) {
      const metric = name === "VectorSelector" ? node.getChild("Identifier") : null;
      if (metric !== null) names.push(expression.slice(metric.from, metric.to));
    },
  });
  return names;
}
