import { type Check, DecisionServiceClient, type Subject } from "#proto/policy/v1/decision.ts";
import { CircuitBreaker } from "#shared/async/circuit-breaker.ts";
import { createLoader, type Load } from "#shared/async/create-loader.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { askInParts, charactersIn } from "#shared/grpc/ask-in-parts.ts";
import { callUnary } from "#shared/grpc/call-unary.ts";
import type { GrpcChannel } from "#shared/grpc/grpc-security.ts";
import { formatScope } from "#shared/protocol/scope.ts";
import { systemClock } from "#shared/time/clock.ts";
import { LRUCache } from "lru-cache";
import type { Publisher } from "../access/present-publisher.ts";
import type { AskPublishingRights, PublishingAnswer } from "../access/publishing-rights.ts";
import type { PublishedEvent } from "../events/published-event.ts";

/** Somebody waits for the answer. */
const TIMEOUT_MS = 2_000;

/** policy's limit for one call. */
const MAX_CHECKS = 1_024;

/** Tenants whose loaders are kept; a loader that is dropped is made again. */
const MAX_TENANTS = 10_000;

/** A batch repeats its publisher in each check. */
const MAX_REPEATED_CHARACTERS = 4_000_000;

interface Question {
  readonly publisher: Publisher;
  readonly event: PublishedEvent;
}

interface CheckAnswer {
  readonly isAllowed: boolean;
  readonly eventsPerSecond: number | undefined;
}

/**
 * Asks policy over gRPC; the events of many requests of one tenant in one call. Nothing is kept, and no version is named: policy reads its
 * store after the question came, so that a permission taken away a moment ago is gone. Disposing closes the channel.
 */
export function createPublishingRights(
  address: string,
  channel: GrpcChannel,
): Disposable & { readonly ask: AskPublishingRights } {
  const client = new DecisionServiceClient(address, channel.credentials, channel.options);
  const breaker = new CircuitBreaker(() => systemClock.monotonic());
  const loaders = new LRUCache<string, Load<Question, CheckAnswer>>({ max: MAX_TENANTS });
  const loaderOf = (tenant: string): Load<Question, CheckAnswer> => {
    const known = loaders.get(tenant);
    if (known !== undefined) return known;
    const loader = createLoader<Question, CheckAnswer>({ maxBatch: MAX_CHECKS }, (questions, shared) =>
      askInParts(questions, charactersOf, async (part) => {
        const request = { tenant, checks: part.map(encodeCheck) };
        const call = { timeoutMs: TIMEOUT_MS, breaker, shared };
        const { allowed, limits } = await callUnary(client.checkBatch.bind(client), request, call);
        if (allowed.length !== part.length) throw new AppError("unavailable", "policy did not answer every question");
        return allowed.map((isAllowed) => ({ isAllowed, eventsPerSecond: limits?.publishedEventsPerSecond }));
      }),
    );
    loaders.set(tenant, loader);
    return loader;
  };
  return {
    async ask(publisher, events, context): Promise<PublishingAnswer> {
      if (events.length > 1 && events.length * charactersOfPublisher(publisher) > MAX_REPEATED_CHARACTERS) {
        throw new AppError(
          "limit_exceeded",
          "you have too many groups for a batch of this size; send fewer events at once",
        );
      }
      const load = loaderOf(publisher.tenant);
      const answers = await Promise.all(events.map((event) => load({ publisher, event }, context)));
      return { allowed: answers.map(({ isAllowed }) => isAllowed), eventsPerSecond: answers[0]?.eventsPerSecond };
    },
    [Symbol.dispose]: () => client.close(),
  };
}

function encodeCheck({ publisher, event }: Question): Check {
  return {
    subject: encodeSubject(publisher),
    question: { $case: "publish", value: event.topic },
    attributes: { ...event.attributes },
  };
}

function encodeSubject({ id, roles, groups, issuer, attributes, scope }: Publisher): Subject {
  const byName = Object.entries(attributes ?? {}).map(([name, values]) => [name, { values: [...values] }]);
  return {
    id,
    roles: [...roles],
    groups: [...groups],
    issuer,
    attributes: byName.length === 0 ? undefined : { byName: Object.fromEntries(byName) },
    scope: scope && formatScope(scope),
  };
}

function charactersOf({ publisher, event: { topic, attributes } }: Question): number {
  return charactersOfPublisher(publisher) + charactersIn([topic, ...Object.entries(attributes).flat()]);
}

function charactersOfPublisher({ id, roles, groups, attributes = {} }: Publisher): number {
  const said = Object.entries(attributes).flatMap(([name, values]) => [name, ...values]);
  return charactersIn([id, ...said]) + charactersIn(roles) + charactersIn(groups);
}
