import { Client, credentials, type MethodDefinition, type ServiceError, status } from "@grpc/grpc-js";
import { SessionServiceService } from "#proto/auth/v1/session.ts";
import { AuthorizationService } from "#proto/envoy/service/auth/v3/external_auth.ts";
import { HealthService } from "#proto/grpc/health/v1/health.ts";
import { ServerReflectionService } from "#proto/grpc/reflection/v1/reflection.ts";
import { DecisionServiceService } from "#proto/policy/v1/decision.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { INPUTS_TENANT, type InputsWorld } from "./inputs-world.ts";
import { answers, type InputSize, type OutsideInput } from "./outside-input.ts";

const TIMEOUT_MS = 20_000;

/** Questions of one call. */
const MOST = 1_024;

const LONGEST_NAME = "n".repeat(256);

type Method = MethodDefinition<never, unknown>;

/** What gateways and other programs may ask of auth and policy over gRPC. */
export function rpcInputs(world: InputsWorld): readonly OutsideInput[] {
  const { auth, policy } = world.stack;
  return [
    ...sessionInputs(auth),
    ...decisionInputs(policy),
    rpc(policy, AuthorizationService.check, answers(200), (size) => ({
      attributes: { request: { http: requestOf(size) } },
    })),
    rpc(policy, HealthService.check, answers(404), (size) => ({ service: nameOf(size) })),
    rpc(policy, HealthService.watch, answers(200), (size) => ({ service: nameOf(size) })),
    rpc(policy, HealthService.list, answers(200), () => ({})),
    rpc(policy, ServerReflectionService.serverReflectionInfo, answers(200), (size) => ({
      host: "",
      fileContainingSymbol: nameOf(size).repeat(size === "largest" ? 200 : 1),
    })),
  ];
}

function sessionInputs(service: RunningService): readonly OutsideInput[] {
  const { checkSessions, findSubjects, renewAccess, bindToken, endTenant, restartTenant } = SessionServiceService;
  const tenant = (size: InputSize): string => nameOf(size).slice(0, 64);
  return [
    rpc(service, checkSessions, answers(200), (size) => ({
      questions: many(size, MOST, (index) => {
        const sid = `${index}`.padStart(36, "0");
        return {
          tenant: tenant(size),
          sid,
          subject: nameOf(size),
          tokenExpiresAt: 4_000_000_000,
          extend: false,
          contextId: "",
        };
      }),
    })),
    rpc(service, findSubjects, answers(200), (size) => ({
      questions: many(size, MOST, (index) => ({
        tenant: tenant(size),
        subject: `${index}${nameOf(size)}`.slice(0, 256),
      })),
    })),
    rpc(service, renewAccess, answers(200), (size) => ({
      refreshTokens: many(size, 128, (index) => `${index}.1.${nameOf(size)}`),
      purpose: 0,
    })),
    rpc(service, bindToken, answers(200), (size) => ({
      accessToken: size === "largest" ? "a.".repeat(8_000) : "a.b.c",
      contextId: nameOf(size).slice(0, 64),
    })),
    rpc(service, endTenant, answers(403), (size) => ({ tenant: tenant(size), version: 1 })),
    rpc(service, restartTenant, answers(200), (size) => ({ tenant: tenant(size), version: 1 })),
  ];
}

function decisionInputs(service: RunningService): readonly OutsideInput[] {
  const { resolve, decide, checkBatch, explain, mapResources } = DecisionServiceService;
  const tenant = INPUTS_TENANT;
  const subject = (size: InputSize, index: number): object => ({
    id: `${index}${nameOf(size)}`.slice(0, 256),
    roles: many(size, 16, (role) => `role-${role}`),
    groups: many(size, 16, (group) => `group-${group}`),
  });
  const check = (size: InputSize, index: number): object => ({
    subject: subject(size, index),
    question: { $case: "topic", value: `kind${index}.${longTopic(size)}` },
    attributes: {},
  });
  return [
    rpc(service, resolve, answers(200), (size) => ({
      tenant,
      subjects: many(size, MOST, (index) => subject(size, index)),
    })),
    rpc(service, decide, answers(400), (size) => ({
      tenant,
      grants: many(size, MOST, (index) => `${index}${nameOf(size)}`),
      permissions: many(size, 64, (index) => `area${index}:read`),
    })),
    rpc(service, checkBatch, answers(200), (size) => ({
      tenant,
      checks: many(size, MOST, (index) => check(size, index)),
    })),
    rpc(service, explain, answers(200), (size) => ({ tenant, check: check(size, 0) })),
    rpc(service, mapResources, answers(200), (size) => ({
      tenant,
      paths: many(size, MOST, (index) => `/api/v${index}/${nameOf(size)}/b`),
    })),
  ];
}

function requestOf(size: InputSize): object {
  const count = size === "largest" ? 90 : 1;
  const headers = Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, "v".repeat(200)]));
  return { method: "GET", path: `/${nameOf(size).repeat(size === "largest" ? 30 : 1)}`, host: "h", headers };
}

function nameOf(size: InputSize): string {
  return size === "largest" ? LONGEST_NAME : "n";
}

function longTopic(size: InputSize): string {
  return size === "largest" ? `${"t".repeat(700)}.b.c.d` : "b";
}

function many<Item>(size: InputSize, most: number, make: (index: number) => Item): Item[] {
  return Array.from({ length: size === "largest" ? most : 1 }, (_, index) => make(index));
}

function rpc(
  service: RunningService,
  method: object,
  right: OutsideInput["answers"],
  request: (size: InputSize) => object,
): OutsideInput {
  const definition = method as Method;
  const name = definition.path.slice(1);
  return {
    name: `rpc, ${name.replace(/^.*\./, "")}`,
    through: [`rpc ${name}`],
    service,
    answers: right,
    send: (size) => call(service, definition, request(size) as never),
  };
}

/** Calls a method, and answers with the HTTP status that says the same. Of a stream of answers the first is enough. */
async function call({ ports }: RunningService, method: Method, request: never): Promise<number> {
  const { path, requestStream, responseStream, requestSerialize, responseDeserialize } = method;
  const client = new Client(`127.0.0.1:${ports.grpc}`, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
  });
  const options = { deadline: Date.now() + TIMEOUT_MS };
  const { promise, resolve } = Promise.withResolvers<number>();
  const failed = (error: ServiceError): void => resolve(HTTP_STATUS.get(error.code) ?? 500);
  if (responseStream) {
    const bidirectional = requestStream
      ? client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, options)
      : undefined;
    bidirectional?.write(request);
    const answering =
      bidirectional ?? client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, options);
    answering.on("error", failed).on("data", () => resolve(200));
    return promise.finally(() => {
      answering.cancel();
      client.close();
    });
  }
  client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, options, (error) =>
    error === null ? resolve(200) : failed(error),
  );
  return promise.finally(() => client.close());
}

const HTTP_STATUS = new Map<number, number>([
  [status.INVALID_ARGUMENT, 400],
  [status.UNAUTHENTICATED, 401],
  [status.PERMISSION_DENIED, 403],
  [status.NOT_FOUND, 404],
  [status.FAILED_PRECONDITION, 412],
  [status.RESOURCE_EXHAUSTED, 429],
  [status.UNAVAILABLE, 503],
  [status.DEADLINE_EXCEEDED, 504],
]);
