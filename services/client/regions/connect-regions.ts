import { connectIn } from "../connect.ts";
import type { Environment } from "../environment/environment.ts";
import { ownEnvironment } from "../environment/own-environment.ts";
import type { Schemas, StreamOptions, Validation } from "../options.ts";
import type { SluiceStream } from "../sluice-stream.ts";
import { RegionChoice } from "./region-choice.ts";
import { createRegionEnvironment, type RegionEnvironment } from "./region-environment.ts";

/** What `connect` is told. */
export type RegionOptions<Given extends Schemas = Schemas> = Omit<StreamOptions, "url"> &
  Validation<Given> & {
    /** The edges of the regions, the best one first. Of one alone the others are asked: `regions` of its capabilities. */
    readonly url: string | readonly [string, ...string[]];
  };

/** A timer holds no more, and a device may have slept: it is looked at again at least so often. */
const LOOK_MS = 60_000;

/** An edge that is there answers by then. */
const PROBE_MS = 5_000;

/** More regions than this are a mistake. */
const MAX_REGIONS = 16;

/**
 * Follows an event stream in the first region; where three attempts in a row bring no stream, in the next one, behind the same id. After ten
 * minutes or more it goes back to the first, once that answers.
 */
export function connect<const Given extends Schemas = Schemas>(options: RegionOptions<Given>): SluiceStream<Given> {
  return connectRegionsIn(ownEnvironment(), options);
}

/** The same, in a program that is not the one around it. */
export function connectRegionsIn<const Given extends Schemas = Schemas>(
  own: Environment,
  options: RegionOptions<Given>,
): SluiceStream<Given> {
  const [first, ...others] = (typeof options.url === "string" ? [options.url] : options.url).map(withoutSlash);
  if (first === undefined) throw new TypeError("name a region");
  const choice = new RegionChoice([first, ...others], own);
  const environment = createRegionEnvironment(own, choice);
  const stream = connectIn<Given>(environment, { ...options, url: first });
  const watch = new ReturnWatch(own, environment, choice);
  let isAsked = others.length > 0;
  stream.on("ready", () => {
    choice.opened();
    watch.look();
    if (isAsked) return;
    isAsked = true;
    void askRegions(own, choice.url).then((urls) => choice.add(urls));
  });
  stream.onState(({ name }) => name === "ended" && watch.stop());
  return stream;
}

/** Goes back to the first region when it is time to, and follows the other tabs where they have gone. */
class ReturnWatch {
  readonly #own: Environment;
  readonly #environment: RegionEnvironment;
  readonly #choice: RegionChoice;
  #cancel: () => void = () => {};
  #isStopped = false;

  constructor(own: Environment, environment: RegionEnvironment, choice: RegionChoice) {
    this.#own = own;
    this.#environment = environment;
    this.#choice = choice;
  }

  /** Looks where the stream should be, now and again. */
  look(): void {
    this.#cancel();
    if (this.#isStopped) return;
    const { region } = this.#environment;
    if (region !== undefined && region !== this.#choice.url) this.#environment.leave();
    const leftMs = (this.#choice.returnAt ?? Infinity) - this.#own.now();
    // The tab that has the stream decides for all.
    if (leftMs <= 0 && region !== undefined) void this.#tryFirst();
    else this.#cancel = this.#own.after(leftMs > 0 ? Math.min(leftMs, LOOK_MS) : LOOK_MS, () => this.look());
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  async #tryFirst(): Promise<void> {
    if ((await ask(this.#own, this.#choice.first)) === undefined) this.#choice.stay();
    else this.#choice.goBack();
    this.look();
  }
}

/** The other regions that an edge names. A token goes to none that is less protected than the edge itself. */
async function askRegions(own: Environment, url: string): Promise<readonly string[]> {
  const { regions = [] } = (await ask(own, url)) ?? {};
  return regions
    .filter(({ here }) => here !== true)
    .map((region) => withoutSlash(region.url))
    .filter((other) => other.startsWith("https://") || !url.startsWith("https://"))
    .slice(0, MAX_REGIONS);
}

interface Capabilities {
  readonly regions?: readonly { readonly url: string; readonly here?: boolean }[];
}

/** What an edge can do; undefined where it does not answer. */
async function ask(own: Environment, url: string): Promise<Capabilities | undefined> {
  try {
    const answer = await own.fetch(`${url}/v1/capabilities`, { signal: AbortSignal.timeout(PROBE_MS) });
    return answer.ok ? ((await answer.json()) as Capabilities) : undefined;
  } catch {
    return undefined;
  }
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}
