import { BlockList } from "node:net";
import type { Hono } from "hono";
import { createAuthApi } from "../../services/auth/http/api.ts";
import { createPolicyApi } from "../../services/policy/http/api.ts";
import { addHealthRoute } from "../../services/policy/http/health-route.ts";
import { createPublishApi } from "../../services/publish/http/api.ts";
import { createEdgeApi } from "../../services/stream/http/api.ts";
import type { ServiceName } from "../shared/service-calls.ts";

/** An API of a service, with the routes that the service itself adds, and nothing behind them. */
export interface ServiceApi {
  readonly service: ServiceName;
  readonly title: string;
  readonly about: string;
  readonly api: Hono;
}

/** The APIs of all services. */
export function serviceApis(): readonly ServiceApi[] {
  const anything = unwired();
  const proxies = new BlockList();
  const policy = createPolicyApi({ allowedOrigins: [] }, anything, anything, anything);
  addHealthRoute(policy, anything, anything);
  const auth = {
    AUTH_ISSUER: "http://localhost:8081",
    AUTH_COOKIE_SAME_SITE: "lax",
    AUTH_COOKIE_PARTITIONED: "0",
    AUTH_COOKIE_NAME_PREFIX: "",
    AUTH_ALLOWED_ORIGINS: [],
    AUTH_TRUSTED_PROXIES: proxies,
    AUTH_TENANT_HOSTS: { exact: new Map<string, string>(), below: new Map<string, string>() },
  } as const;
  const publish = { PUBLISH_ALLOWED_ORIGINS: [], PUBLISH_BODY_MAX_BYTES: 0, PUBLISH_TRUSTED_PROXIES: proxies };
  return [
    {
      service: "auth",
      title: "Sluice: auth",
      about: "Sessions of people and service clients, and the tokens that everything else asks for.",
      api: createAuthApi(auth, { ...anything, metrics: anything, keys: anything }),
    },
    {
      service: "policy",
      title: "Sluice: policy",
      about: "Tenants, who may see what in them, and what runs now.",
      api: policy,
    },
    {
      service: "publish",
      title: "Sluice: publish",
      about: "Takes events over HTTP.",
      api: createPublishApi(publish, anything, anything),
    },
    {
      service: "stream",
      title: "Sluice: the edge",
      about: "Streams of events, and everything about them.",
      api: createEdgeApi({ ...anything, edge: anything, allowedOrigins: [], demo: undefined }, anything, anything),
    },
  ];
}

/** Stands for anything that a service wires: routes are added with it, and none of them is ever called. */
// oxlint-disable-next-line typescript/no-explicit-any -- It stands for parts of any type.
function unwired(): any {
  const stand: object = new Proxy(() => stand, { get: () => stand });
  return stand;
}
