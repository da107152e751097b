import type { NatsConnection } from "@nats-io/transport-node";
import { setTimeout as delay } from "node:timers/promises";
import { poll } from "#shared/async/poll.ts";
import type { HomeSettings } from "#shared/config/home-settings.ts";
import { BootError } from "#shared/config/read-config.ts";
import type { ReadinessReason } from "#shared/lifecycle/readiness.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { holdingOf, jetStreamOf, readHolding, undefinedIfMissing } from "./read-holding.ts";
import { judgeEnd, judgeSeat, type OtherHolding, type Seat } from "./judge-seat.ts";

/** How often a process looks where the seat of its home is. */
const LOOK_EVERY_MS = 1_000;

/** What waiting for the seat takes. */
export interface SeatDeps {
  readonly nats: NatsConnection;
  readonly config: HomeSettings;
  /** A stream of the service's own: where that is a mirror, the service must be told of regions. */
  readonly ownStream: string;
  /** Opens the operations port, which alone is open in a standby. */
  readonly openOps: (
    reasons: () => Promise<readonly ReadinessReason[]>,
  ) => Promise<AsyncDisposable & { readonly port: number }>;
  /** Keeps the mirrors of the home in a standby, until it is disposed. */
  readonly keepMirrors: (regions: { readonly here: string; readonly origin: string }) => Promise<AsyncDisposable>;
  readonly log: Logger;
}

/** The seat of a home, which is here. */
export interface HeldSeat extends Disposable {
  /** Resolves with the reason when the seat is not here any more; never where there is one region. */
  readonly ended: Promise<string>;
}

/**
 * Waits until the seat of the service's home is in this region. Until then the process is a standby: it keeps the mirrors, and
 * opens no port but that of operations, which says why.
 * @throws {BootError} when the servers' JetStream domain is none of the home's regions, or the service's streams are mirrors and
 * it is not told of regions.
 */
export async function awaitSeat(deps: SeatDeps): Promise<HeldSeat> {
  const { nats, config, log } = deps;
  const regions = config.SLUICE_HOME_REGIONS;
  if (regions === undefined) return requireOriginals(deps);
  const here = (await (await jetStreamOf(nats)).getAccountInfo()).domain ?? "";
  const [other] = regions.filter((region) => region !== here);
  if (!regions.includes(here)) {
    const found = here === "" ? "no JetStream domain" : `the JetStream domain ${here}`;
    throw new BootError(`NATS has ${found}, and SLUICE_HOME_REGIONS names ${regions.join(" and ")}`);
  }
  const look = await lookFrom(nats, other);
  const judge = async (): Promise<Seat> => {
    const { holding, otherHolding } = await look();
    return judgeSeat(holding, otherHolding, { here, other: other ?? "", makesHome: here === regions[0] });
  };
  const seat = await judge();
  if (!seat.isHere) await standBy(seat.reason, judge, { ...deps, here, other });
  return holdSeat(look, log);
}

async function requireOriginals({ nats, ownStream }: SeatDeps): Promise<HeldSeat> {
  const stream = await (await jetStreamOf(nats)).streams.info(ownStream).catch(undefinedIfMissing);
  const holds = stream === undefined ? "originals" : holdingOf(stream).holds;
  if (holds !== "originals") {
    const what = holds === "mirror" ? "is a mirror of another region's" : "is fenced";
    throw new BootError(`the stream ${ownStream} ${what}: set SLUICE_HOME_REGIONS, see docs/operate/regions.md`);
  }
  return { ended: new Promise(() => undefined), [Symbol.dispose]: () => undefined };
}

type Look = () => Promise<{
  readonly holding: Awaited<ReturnType<typeof readHolding>>;
  readonly otherHolding: OtherHolding;
}>;

/** Looks at both regions. Where only this one holds the home, the other has nothing. */
async function lookFrom(nats: NatsConnection, other: string | undefined): Promise<Look> {
  const own = await jetStreamOf(nats);
  const others = other === undefined ? undefined : await jetStreamOf(nats, other);
  return async () => {
    const [holding, otherHolding] = await Promise.all([
      readHolding(own),
      others === undefined ? ({ holds: "nothing" } as const) : readHolding(others).catch(() => "silent" as const),
    ]);
    return { holding, otherHolding };
  };
}

async function standBy(
  first: string,
  judge: () => Promise<Seat>,
  { here, other, openOps, keepMirrors, log }: SeatDeps & { readonly here: string; readonly other: string | undefined },
): Promise<void> {
  let reason = first;
  await using standby = new AsyncDisposableStack();
  const reasons = async () => [{ code: "standby", detail: reason } as const];
  const ops = standby.use(await openOps(reasons));
  if (other !== undefined) standby.use(await keepMirrors({ here, origin: other }));
  log.info({ ops: ops.port, region: here, reason }, "standby");
  for (;;) {
    await delay(LOOK_EVERY_MS);
    // A broker that does not answer tells nothing new.
    const seat = await judge().catch(() => undefined);
    if (seat?.isHere === true) return log.info({ region: here }, "the home is written here now");
    if (seat !== undefined && seat.reason !== reason) log.info({ region: here, reason: seat.reason }, "still standby");
    reason = seat?.reason ?? reason;
  }
}

function holdSeat(look: Look, log: Logger): HeldSeat {
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  const watch = async (): Promise<void> => {
    const seen = await look().catch(() => undefined);
    const reason = seen && judgeEnd(seen.holding, seen.otherHolding);
    if (reason === undefined) return;
    log.warn({ reason }, "this region holds the home no more");
    resolve(reason);
  };
  const watching = poll(LOOK_EVERY_MS, watch);
  return { ended, [Symbol.dispose]: () => watching[Symbol.dispose]() };
}
