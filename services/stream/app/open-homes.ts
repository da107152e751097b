import { AppError } from "#shared/errors/app-error.ts";
import { failedChecks, faultOfHomes } from "#shared/homes/fault-of-homes.ts";
import { FurtherHome } from "#shared/homes/further-home.ts";
import { homeOfIssuer } from "#shared/homes/home-of-issuer.ts";
import { type Home, readHomesFile } from "#shared/homes/homes-file.ts";
import { type Further, startHomes } from "#shared/homes/start-homes.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import { connectNats, drainNats } from "#shared/nats/connect-nats.ts";
import type { TokenVerifier } from "#shared/tokens/token-verifier.ts";
import type { Stream } from "../connections/hub.ts";
import type { DoorOfIssuer } from "../http/door.ts";
import { loadDemoPage } from "../http/demo-page.ts";
import { ClientHealth } from "../observe/client-health.ts";
import { createDoor } from "./create-door.ts";
import type { EdgeParts } from "./edge-parts.ts";
import type { HomeParts } from "./home-parts.ts";
import { openHome, type OpenHome } from "./open-home.ts";
import { openShared } from "./open-shared.ts";

/** All homes that an edge serves: its own, and those of SLUICE_HOMES_FILE. */
export interface OpenHomes {
  readonly own: OpenHome;
  /** Undefined where there is no other home. */
  readonly doorOf: DoorOfIssuer | undefined;
  readonly streams: () => Iterable<Stream>;
  /** The open streams, each with its home's name where that is not the own one. */
  readonly connections: () => Promise<object[]>;
  /** What is wrong with further homes; undefined while nothing is. */
  readonly fault: () => Promise<string | undefined>;
}

/** Opens the own home, and begins to open the others: nothing of the own one waits for them. They end with the stack. */
export async function openHomes(parts: EdgeParts, stack: AsyncDisposableStack): Promise<OpenHomes> {
  const { config, log } = parts;
  const homes = await readHomesFile(config.SLUICE_HOMES_FILE, config.AUTH_ISSUER);
  const nats = await connectNats(config, "stream", log);
  stack.defer(() => drainNats(nats));
  const ownParts: HomeParts = { ...parts, nats, home: undefined, shared: await openShared(parts, stack) };
  const further: Further<OpenHome>[] = [];
  const demo =
    config.SLUICE_DEMO === "1"
      ? await loadDemoPage({ auth: config.AUTH_HTTP_PORT, policy: config.POLICY_HTTP_PORT, nats: config.NATS_PORT })
      : undefined;
  const doorOf: DoorOfIssuer = (issuer) => {
    const state = homeOfIssuer(issuer, own, further);
    return state?.is === "away" ? away : state?.open.door;
  };
  const own: OpenHome = await openHome(ownParts, stack, { demo, doorOf });
  const away = createDoor(ownParts, {
    edge: own.edge,
    verifier: AWAY,
    clients: new ClientHealth(parts.now),
    demo,
    doorOf: () => undefined,
  });
  further.push(...(await startHomes(homes, config, stack, (each) => startHome(each, ownParts, doorOf))));
  return {
    own,
    doorOf: further.length === 0 ? undefined : doorOf,
    *streams() {
      yield* own.edge.hub.streams();
      for (const { edge } of openAmong(further)) yield* edge.hub.streams();
    },
    connections: async () => [...(await own.connections()), ...(await connectionsOf(further))],
    fault: () => faultOfHomes(further, reasonsOf),
  };
}

/** Whoever comes to a home that is not open is told to come again. */
const AWAY: Pick<TokenVerifier, "verify" | "isOutside"> = {
  verify: () => Promise.reject(new AppError("unavailable", "the home of this token cannot be served here right now")),
  isOutside: () => false,
};

/** Begins to open a home beside the own one, with what both share. */
function startHome({ name, settings }: Home, parts: HomeParts, doorOf: DoorOfIssuer): FurtherHome<OpenHome> {
  const [log, config] = [parts.log.child({ home: name }), { ...parts.config, ...settings }];
  return new FurtherHome({
    name,
    log: parts.log,
    async open(stack) {
      const nats = await connectNats(config, "stream", log);
      stack.defer(() => drainNats(nats));
      const requestLog = stack.use(limitLines(log));
      return openHome({ ...parts, config, log, requestLog, nats, home: name }, stack, { demo: undefined, doorOf });
    },
  });
}

function openAmong(further: readonly Further<OpenHome>[]): OpenHome[] {
  return further.flatMap(({ home: { state } }) => (state.is === "open" ? [state.open] : []));
}

async function connectionsOf(further: readonly Further<OpenHome>[]): Promise<object[]> {
  const named = further.map(async ({ home: { name, state } }) => {
    const open = state.is === "open" ? await state.open.connections() : [];
    return open.map((connection) => ({ home: name, ...connection }));
  });
  return (await Promise.all(named)).flat();
}

async function reasonsOf({ checks, edge }: OpenHome): Promise<string[]> {
  const away = [...edge.peersAway].map((peer) => `${peer} does not answer`);
  const reasons = [...(await failedChecks(checks)), ...away];
  return reasons.length === 0 ? [] : [reasons.join("; ")];
}
