import type { Environment } from "../environment/environment.ts";
import type { ClientRoad } from "../options.ts";

/** A road, and how many bytes its first frame hides behind. */
export interface Choice {
  readonly road: ClientRoad;
  readonly pad: number;
}

/** The buffers of proxies that keep the first bytes of an answer have 1 to 2 KB where they are small. */
const PAD_BYTES = 2_048;

/** After this the best road is tried again: networks are mended, and people move. */
const DAY_MS = 86_400_000;

/** Those that this program can take, the best one first. */
export type Roads = readonly [ClientRoad, ...ClientRoad[]];

interface Known {
  readonly road: ClientRoad;
  readonly pad: number;
  readonly until: number;
}

/**
 * Chooses among roads: the first one until it fails, then the next. What worked after a failure is remembered for this edge and
 * this kind of network for a day; it says nothing of the person, and no server is told.
 */
export class RoadChoice {
  readonly #roads: Roads;
  readonly #environment: Pick<Environment, "local" | "network" | "now">;
  readonly #key: string;
  readonly #failed = new Set<ClientRoad>();
  #pad = 0;
  #until = 0;
  #offered: readonly string[] | undefined;
  #type = "";

  constructor(roads: Roads, url: string, environment: Pick<Environment, "local" | "network" | "now">) {
    this.#roads = roads;
    this.#environment = environment;
    this.#key = `sluice-roads:${url}`;
    this.#recall();
  }

  /** The road to take now. */
  choose(): Choice {
    if (this.#environment.network().type !== this.#type) this.#recall();
    if (this.#until !== 0 && this.#environment.now() > this.#until) this.#begin();
    const [road] = this.#left();
    return road === undefined ? this.#again() : { road, pad: road === "sse" ? this.#pad : 0 };
  }

  /** Leaves the road. Answers whether another one is left to try, or the same with padding: where not even a first frame came. */
  fail({ road, pad }: Choice, { isFirstFrameMissing }: { readonly isFirstFrameMissing: boolean }): boolean {
    if (road === "sse" && pad === 0 && isFirstFrameMissing) {
      this.#pad = PAD_BYTES;
      return true;
    }
    this.#failed.add(road);
    return this.#left().length > 0;
  }

  /** A frame came along this road in time. */
  worked({ road, pad }: Choice): void {
    if (this.#until !== 0 || (this.#failed.size === 0 && pad === 0)) return;
    this.#until = this.#environment.now() + DAY_MS;
    const known = { ...this.#read(), [this.#type]: { road, pad, until: this.#until } satisfies Known };
    try {
      this.#environment.local?.setItem(this.#key, JSON.stringify(known));
    } catch {
      // No room, or none for this page: it is found out again.
    }
  }

  /** The edge has these roads for this caller. Answers whether this one is among them. */
  offer(transports: readonly string[] | undefined, road: ClientRoad): boolean {
    this.#offered = transports ?? this.#offered;
    return this.#offered?.includes(road) ?? true;
  }

  #left(): readonly ClientRoad[] {
    return this.#roads.filter((road) => !this.#failed.has(road) && (this.#offered?.includes(road) ?? true));
  }

  /** All have failed: what was found out is forgotten. */
  #again(): Choice {
    this.#begin();
    this.#offered = undefined;
    return { road: this.#roads[0], pad: 0 };
  }

  #begin(): void {
    this.#failed.clear();
    this.#pad = 0;
    this.#until = 0;
  }

  /** Begins with what is known of this kind of network. */
  #recall(): void {
    this.#begin();
    this.#type = this.#environment.network().type;
    const known = this.#read()[this.#type];
    if (known === undefined || known.until <= this.#environment.now()) return;
    const place = this.#roads.indexOf(known.road);
    if (place === -1) return;
    for (const road of this.#roads.slice(0, place)) this.#failed.add(road);
    this.#pad = known.pad;
    this.#until = known.until;
  }

  #read(): Readonly<Record<string, Known>> {
    try {
      return JSON.parse(this.#environment.local?.getItem(this.#key) ?? "{}") as Record<string, Known>;
    } catch {
      return {};
    }
  }
}
