import type { Dashboard, Panel } from "./panels.ts";

const DATASOURCE = { type: "prometheus", uid: "${datasource}" };

const COLUMNS = 3;
const SIZE = { w: 24 / COLUMNS, h: 8 };

/** A dashboard as Grafana provisions it: the same text for the same dashboard. */
export function toGrafanaJson({ uid, title, panels }: Dashboard): string {
  const dashboard = {
    uid,
    title,
    tags: ["sluice"],
    editable: true,
    graphTooltip: 1,
    refresh: "30s",
    schemaVersion: 39,
    time: { from: "now-3h", to: "now" },
    timezone: "browser",
    templating: { list: [datasourceVariable, instanceVariable] },
    panels: panels.map(toPanel),
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

const datasourceVariable = {
  name: "datasource",
  label: "Data source",
  type: "datasource",
  query: "prometheus",
};

const instanceVariable = {
  name: "instance",
  label: "Edge",
  type: "query",
  datasource: DATASOURCE,
  query: "label_values(sluice_stream_connections, instance)",
  refresh: 2,
  multi: true,
  includeAll: true,
  allValue: ".+",
  current: { text: "All", value: "$__all" },
};

function toPanel({ title, about, unit, queries }: Panel, index: number): object {
  return {
    id: index + 1,
    type: "timeseries",
    title,
    description: about,
    datasource: DATASOURCE,
    gridPos: { ...SIZE, x: (index % COLUMNS) * SIZE.w, y: Math.floor(index / COLUMNS) * SIZE.h },
    fieldConfig: { defaults: { unit, min: 0, custom: { fillOpacity: 10, showPoints: "never" } }, overrides: [] },
    options: { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi", sort: "desc" } },
    targets: queries.map(({ expr, legend }, place) => ({
      refId: String.fromCharCode("A".charCodeAt(0) + place),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
    })),
  };
}
