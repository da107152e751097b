/** What a panel shows: an expression, and how its series are called. */
export interface Query {
  readonly expr: string;
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  /** What the reader should see in it. */
  readonly about: string;
  /** A unit of Grafana: `s`, `bytes`, `ops`, `short`, `percentunit`. */
  readonly unit: string;
  readonly queries: readonly Query[];
}

/** A page of panels; `uid` is its name in links. */
export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** The edges that a reader of a dashboard has chosen. */
export const EDGE = 'instance=~"$instance"';

/** How often something happens in a second. */
export const rate = (metric: string, by: string, legend: string, labels = EDGE): Query => ({
  expr: `sum by (${by}) (rate(${metric}{${labels}}[$__rate_interval]))`,
  legend,
});

/** What a gauge says. */
export const gauge = (metric: string, by: string, legend: string, sum: "sum" | "max" = "sum"): Query => ({
  expr: `${sum} by (${by}) (${metric}{${EDGE}})`,
  legend,
});

/** The middle, and what one in a hundred takes longer than. */
export const quantiles = (histogram: string, labels = EDGE): readonly Query[] =>
  [0.5, 0.99].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, sum by (le) (rate(${histogram}_bucket{${labels}}[$__rate_interval])))`,
    legend: `p${quantile * 100}`,
  }));

/** A panel of these queries. */
export const panel = (title: string, about: string, unit: string, ...queries: readonly Query[]): Panel => ({
  title,
  about,
  unit,
  queries,
});
