import { AppError } from "#shared/errors/app-error.ts";
import { failedChecks, faultOfHomes } from "#shared/homes/fault-of-homes.ts";
import { FurtherHome } from "#shared/homes/further-home.ts";
import { hintedIssuer } from "#shared/homes/home-of-token.ts";
import { homeOfIssuer } from "#shared/homes/home-of-issuer.ts";
import { type Home, readHomesFile } from "#shared/homes/homes-file.ts";
import { startHomes } from "#shared/homes/start-homes.ts";
import type { ReadinessChecks } from "#shared/lifecycle/readiness.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import { serveForwarded } from "../bus/serve-forwarded.ts";
import { type PublishDeps, type PublishEvents, publishEvents } from "../publish-events.ts";
import { type HomeParts, openHome, type OpenHome } from "./open-home.ts";

/** All homes whose events are published here: the own one, and those of SLUICE_HOMES_FILE. */
export interface OpenHomes {
  /** Publishes for the home that the request's token names. */
  readonly publish: PublishEvents;
  readonly checks: ReadinessChecks;
  /** Answers what the edges of all homes forward, until disposed. */
  readonly serveForwarded: (log: LimitedLog) => AsyncDisposable;
}

/** Opens the own home, and begins to open the others: nothing of the own one waits for them. They end with the stack. */
export async function openHomes(parts: Omit<HomeParts, "home">, stack: AsyncDisposableStack): Promise<OpenHomes> {
  const { config, metrics } = parts;
  const homes = await readHomesFile(config.SLUICE_HOMES_FILE, config.AUTH_ISSUER);
  const own = await openHome({ ...parts, home: undefined }, stack);
  const forwarding = new Forwarding();
  const further = await startHomes(homes, config, stack, (each) => startHome(each, parts, forwarding));
  const away: PublishDeps = { ...own.deps, verify: refuse };
  const depsOf = (issuer: string | undefined): PublishDeps => {
    const state = issuer === undefined ? undefined : homeOfIssuer(issuer, own, further);
    return state?.is === "away" ? away : (state?.open.deps ?? own.deps);
  };
  return {
    publish: (request) =>
      publishEvents(further.length === 0 ? own.deps : depsOf(hintedIssuer(request.headers)), request),
    checks: {
      ...own.checks,
      ...(further.length > 0 && { home_unusable: () => faultOfHomes(further, ({ checks }) => failedChecks(checks)) }),
    },
    serveForwarded: (log) => forwarding.begin(own, ({ nats, deps }) => serve({ nats, deps }, metrics, log)),
  };
}

function serve(
  { nats, deps }: Pick<OpenHome, "nats" | "deps">,
  metrics: HomeParts["metrics"],
  log: LimitedLog,
): AsyncDisposable {
  return serveForwarded({ nats, publish: (request) => publishEvents(deps, request), metrics, log });
}

/** Whoever comes for a home that is not open is told to come again. */
function refuse(): Promise<never> {
  const message = "the home of this token cannot be served here right now: nothing was stored; try again";
  return Promise.reject(new AppError("unavailable", message));
}

function startHome(
  { name, settings, schemasDir }: Home,
  parts: Omit<HomeParts, "home">,
  forwarding: Forwarding,
): FurtherHome<OpenHome> {
  const config = { ...parts.config, ...settings, PUBLISH_SCHEMAS_DIR: schemasDir };
  return new FurtherHome({
    name,
    log: parts.log,
    async open(stack) {
      const home = await openHome({ ...parts, config, log: parts.log.child({ home: name }), home: name }, stack);
      stack.use(forwarding.add(home));
      return home;
    },
  });
}

/** Serves what edges forward on the bus of each open home, from when the service has begun to when it ends. */
class Forwarding {
  readonly #serving = new Map<OpenHome, AsyncDisposable>();
  readonly #open = new Set<OpenHome>();
  #serve: ((home: OpenHome) => AsyncDisposable) | undefined;

  begin(own: OpenHome, serveHome: (home: OpenHome) => AsyncDisposable): AsyncDisposable {
    this.#serve = serveHome;
    for (const home of [own, ...this.#open]) this.#serving.set(home, serveHome(home));
    return {
      [Symbol.asyncDispose]: async () => {
        this.#serve = undefined;
        await Promise.all([...this.#serving.values()].map((serving) => serving[Symbol.asyncDispose]()));
      },
    };
  }

  add(home: OpenHome): Disposable {
    this.#open.add(home);
    if (this.#serve !== undefined) this.#serving.set(home, this.#serve(home));
    return { [Symbol.dispose]: () => void this.#open.delete(home) };
  }
}
