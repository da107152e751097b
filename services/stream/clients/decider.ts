import { LRUCache } from "lru-cache";
import { DecisionServiceClient, type SubjectAttributes } from "#proto/policy/v1/decision.ts";
import { formatScope } from "#shared/protocol/scope.ts";
import type { Version } from "#shared/contract/version.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { askInParts, charactersIn } from "#shared/grpc/ask-in-parts.ts";
import { callUnary } from "#shared/grpc/call-unary.ts";
import type { GrpcChannel } from "#shared/grpc/grpc-security.ts";
import type { DecideAnswer, Decider, ResolveAnswer, Subject } from "../access/ports.ts";
import type { Observer } from "../observe/observer.ts";
import type { MapResource } from "../subscription/topics-of.ts";
import type { CallContext, SharedContext } from "#shared/async/call-context.ts";
import { CircuitBreaker } from "#shared/async/circuit-breaker.ts";
import { createLoader, type Load } from "#shared/async/create-loader.ts";
import { decodeResidual } from "./decode-residual.ts";

/** For a stream that is held, a late answer is as good as a new one. A handshake has a time of its own. */
const TIMEOUT_MS = 10_000;

/** For calls that only a handshake makes, which is refused with `busy` then. */
const HANDSHAKE_TIMEOUT_MS = 3_000;

/** Subjects, or paths, in one call. */
const MAX_SUBJECTS = 512;

/** Grants or permissions in one call; the service multiplies them, and answers at most 65 536 residuals. */
const MAX_PAIRS = 256;

/** A larger answer is refused and asked for in halves: to decode one takes 10 ms. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** Up to 250 handshakes a second of a tenant ask without waiting for each other. */
const RESOLVE_REST_MS = 4;

/** Tenants whose loaders are kept; a loader that is dropped is made again. */
const MAX_TENANTS = 10_000;

interface ResolveKey {
  readonly subject: Subject;
  readonly atLeast: Version | undefined;
}

interface DecideKey {
  readonly grant: string;
  readonly permission: string;
  readonly atLeast: Version | undefined;
}

interface Loaders {
  readonly resolve: Load<ResolveKey, ResolveAnswer>;
  readonly decide: Load<DecideKey, DecideAnswer>;
  readonly mapResource: Load<string, readonly string[]>;
}

/** The edge, as far as the client uses it. */
export interface GrpcDeciderDeps {
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
  readonly observer: Pick<Observer, "peerSwitched">;
}

/** Asks policy over gRPC; many questions about one tenant in one call. */
export class GrpcDecider implements Decider, Disposable {
  readonly #client: DecisionServiceClient;
  readonly #loaders = new LRUCache<string, Loaders>({ max: MAX_TENANTS });

  readonly #breaker: CircuitBreaker;

  constructor(address: string, channel: GrpcChannel, { now, observer }: GrpcDeciderDeps) {
    this.#breaker = new CircuitBreaker(now, (isAway) => observer.peerSwitched("policy", isAway));
    const options = { ...channel.options, "grpc.max_receive_message_length": MAX_ANSWER_BYTES };
    this.#client = new DecisionServiceClient(address, channel.credentials, options);
  }

  resolve(
    tenant: string,
    subject: Subject,
    atLeast: Version | undefined,
    context?: CallContext,
  ): Promise<ResolveAnswer> {
    return this.#loadersOf(tenant).resolve({ subject, atLeast }, context);
  }

  decide(
    tenant: string,
    grant: string,
    permission: string,
    atLeast: Version | undefined,
    context?: CallContext,
  ): Promise<DecideAnswer> {
    return this.#loadersOf(tenant).decide({ grant, permission, atLeast }, context);
  }

  /** Which topics a path is mapped to. */
  readonly mapResource: MapResource = (tenant, path, context) => this.#loadersOf(tenant).mapResource(path, context);

  #loadersOf(tenant: string): Loaders {
    const known = this.#loaders.get(tenant);
    if (known !== undefined) return known;
    const loaders: Loaders = {
      resolve: createLoader({ maxBatch: MAX_SUBJECTS, restMsPerQuestion: RESOLVE_REST_MS }, (keys, shared) =>
        askInParts(keys, subjectCharacters, (part) => this.#resolve(tenant, part, shared)),
      ),
      decide: createLoader({ maxBatch: MAX_PAIRS }, (keys, shared) =>
        askInParts(
          keys,
          ({ grant }) => grant.length,
          (part) => this.#decide(tenant, part, shared),
        ),
      ),
      mapResource: createLoader({ maxBatch: MAX_SUBJECTS, restMsPerQuestion: RESOLVE_REST_MS }, (paths, shared) =>
        this.#mapResources(tenant, paths, shared),
      ),
    };
    this.#loaders.set(tenant, loaders);
    return loaders;
  }

  async #resolve(tenant: string, keys: readonly ResolveKey[], shared: SharedContext): Promise<ResolveAnswer[]> {
    const subjects = keys.map(({ subject: { id, roles, groups, issuer, attributes, scope } }) => ({
      id,
      roles: [...roles],
      groups: [...groups],
      issuer,
      attributes: attributes && encodeAttributes(attributes),
      scope: scope && formatScope(scope),
    }));
    const request = { tenant, subjects, atLeast: highest(keys) };
    const response = await callUnary(this.#client.resolve.bind(this.#client), request, {
      timeoutMs: TIMEOUT_MS,
      breaker: this.#breaker,
      shared,
    });
    const version = expectAnswer(response.version);
    const { grants, eventMap } = response;
    const limits = expectAnswer(response.limits);
    return keys.map((_, index) => ({ version, grant: expectAnswer(grants[index]), eventMap, limits }));
  }

  async #decide(tenant: string, keys: readonly DecideKey[], shared: SharedContext): Promise<DecideAnswer[]> {
    const grants = [...new Set(keys.map((key) => key.grant))];
    const permissions = [...new Set(keys.map((key) => key.permission))];
    const request = { tenant, grants, permissions, atLeast: highest(keys), eachOnce: true };
    const response = await callUnary(this.#client.decide.bind(this.#client), request, {
      timeoutMs: TIMEOUT_MS,
      breaker: this.#breaker,
      shared,
    });
    const version = expectAnswer(response.version);
    const rules = response.residuals.map(decodeResidual);
    return keys.map(({ grant, permission }) => {
      const asked = grants.indexOf(grant) * permissions.length + permissions.indexOf(permission);
      return { version, rules: expectAnswer(rules[response.places[asked] ?? asked]) };
    });
  }

  /** Without a version in the question, policy reads its store: a new route is found. */
  async #mapResources(tenant: string, paths: readonly string[], shared: SharedContext): Promise<(readonly string[])[]> {
    const request = { tenant, paths: [...paths] };
    const response = await callUnary(this.#client.mapResources.bind(this.#client), request, {
      timeoutMs: HANDSHAKE_TIMEOUT_MS,
      breaker: this.#breaker,
      shared,
    });
    return paths.map((_, index) => expectAnswer(response.resources[index]).topics);
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

function subjectCharacters({ subject: { id, roles, groups, attributes = {} } }: ResolveKey): number {
  const said = Object.entries(attributes).flatMap(([name, values]) => [name, ...values]);
  return charactersIn([id]) + charactersIn(roles) + charactersIn(groups) + charactersIn(said);
}

function encodeAttributes(attributes: NonNullable<Subject["attributes"]>): SubjectAttributes {
  return {
    byName: Object.fromEntries(Object.entries(attributes).map(([name, values]) => [name, { values: [...values] }])),
  };
}

function highest(keys: readonly { readonly atLeast: Version | undefined }[]): Version | undefined {
  const versions = keys.flatMap(({ atLeast }) => (atLeast === undefined ? [] : [atLeast]));
  // A question without a version needs a fresh read of the store; then the whole batch gets one.
  if (versions.length < keys.length) return undefined;
  return versions.reduce((high, version) => (version.number > high.number ? version : high));
}

function expectAnswer<T>(part: T | undefined): T {
  if (part === undefined) throw new AppError("unavailable", "policy did not answer every question");
  return part;
}
