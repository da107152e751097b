import { Counter, Gauge, type GaugeConfiguration, type Registry } from "prom-client";

/** What a metric is called, and by what its values are told apart. */
type Described<Label extends string> = Pick<GaugeConfiguration<Label>, "name" | "help" | "aggregator"> & {
  readonly labelNames?: Label[];
};

/** Registers a gauge whose values `set` gives each time metrics are read. Of one with labels it starts from none. */
export function gaugeWhenRead<Label extends string = never>(
  registry: Registry,
  described: Described<Label>,
  set: (gauge: Gauge<Label>) => void | Promise<void>,
): void {
  const gauge = new Gauge<Label>({
    ...described,
    registers: [],
    collect() {
      if (described.labelNames !== undefined) this.reset();
      return set(this);
    },
  });
  registry.registerMetric(gauge);
}

/** Registers a counter that is counted elsewhere: `add` adds all of it, from nothing, each time metrics are read. */
export function counterWhenRead<Label extends string = never>(
  registry: Registry,
  described: Described<Label>,
  add: (counter: Counter<Label>) => void,
): void {
  const counter = new Counter<Label>({
    ...described,
    registers: [],
    collect() {
      this.reset();
      add(this);
    },
  });
  registry.registerMetric(counter);
}
