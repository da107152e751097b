import { jsonSchemaOf } from "../config/json-schema.ts";
import type { SettingsOwner } from "../config/services.ts";

type Schema = Readonly<Record<string, unknown>>;

/** Hold passwords, which belong into a Secret. */
const WITH_PASSWORDS = ["NATS_URL", "REDIS_URL"];

const TEXT = { type: "string" };
const COUNT = { type: "integer", minimum: 1 };
const SWITCH = { type: "boolean" };

/** A container without a limit to its memory takes that of the others on its node. */
const RESOURCES = {
  type: "object",
  properties: { limits: { type: "object", required: ["memory"] }, requests: { type: "object" } },
  required: ["limits", "requests"],
};

/** What the chart leaves to Kubernetes to check. */
const ANY = { type: "object" };
const ANY_LIST = { type: "array", items: ANY };

/** The lists of a NetworkPolicy's peers. */
const PEERS = Object.fromEntries(
  ["publicFrom", "grpcFrom", "metricsFrom", "natsTo", "redisTo", "webhooksTo", "alsoTo"].map((name) => [
    name,
    ANY_LIST,
  ]),
);

/** Routes that name no gateway lead nowhere, and nobody says so. */
const ROUTES = {
  ...closed({ enabled: SWITCH, parentRefs: ANY_LIST }),
  anyOf: [{ properties: { enabled: { const: false } } }, { properties: { parentRefs: { minItems: 1 } } }],
};

/**
 * The JSON Schema of the chart's values, with every setting of each service, so that Helm refuses what a service would. A setting
 * that is secret is none of them. Draft 7: Helm before 3.18 knows no later one.
 */
export function valuesSchema(): object {
  const auth = settingsOf("auth");
  const policy = settingsOf("policy");
  const publish = settingsOf("publish");
  const stream = settingsOf("stream");
  const autoscaling = closed({
    enabled: SWITCH,
    minReplicas: COUNT,
    maxReplicas: COUNT,
    fillPercent: { type: "integer", minimum: 1, maximum: 100 },
    loopDelayMs: COUNT,
  });
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    definitions: { auth: closed(auth), policy: closed(policy), publish: closed(publish), stream: closed(stream) },
    ...closed({
      image: closed({
        repository: TEXT,
        // What runs must be told from what ran before.
        tag: { type: "string", not: { const: "latest" } },
        digest: { type: "string", pattern: "^(sha256:[0-9a-f]{64})?$" },
        pullPolicy: { enum: ["Always", "IfNotPresent", "Never"] },
      }),
      imagePullSecrets: ANY_LIST,
      settings: closed({ ...auth, ...policy, ...publish, ...stream }),
      bindAddress: { enum: ["0.0.0.0", "::"] },
      certificates: closed({
        issuerRef: ANY,
        secretNames: closed({ auth: TEXT, policy: TEXT, publish: TEXT, stream: TEXT }),
      }),
      auth: serviceOf("auth"),
      policy: serviceOf("policy"),
      publish: serviceOf("publish"),
      // Without a number it is somebody else's to say.
      stream: serviceOf("stream", {
        replicas: { ...COUNT, type: ["integer", "null"] },
        autoscaling,
        sysctls: ANY_LIST,
      }),
      webhooks: serviceOf("stream"),
      hosts: closed({ stream: TEXT, auth: TEXT, policy: TEXT, publish: TEXT }),
      controller: { enum: ["", "nginx", "traefik", "contour", "envoy-gateway"] },
      ingress: closed({ enabled: SWITCH, className: TEXT, tlsSecretName: TEXT, annotations: ANY }),
      httpRoute: ROUTES,
      standby: SWITCH,
      networkPolicy: closed({ enabled: SWITCH, ...PEERS }),
      metrics: closed({ serviceMonitor: SWITCH, prometheusRule: SWITCH, labels: ANY }),
      podAnnotations: ANY,
      nodeSelector: ANY,
      tolerations: ANY_LIST,
      // Helm's own.
      global: ANY,
    }),
  };
}

function serviceOf(program: SettingsOwner, more: Schema = {}): Schema {
  const own = { enabled: SWITCH, replicas: COUNT, secretName: TEXT, filesSecretName: TEXT, resources: RESOURCES };
  return closed({ ...own, settings: { $ref: `#/definitions/${program}` }, ...more });
}

/** The settings of a service that may stand in values; a number may be a text, as it is in an environment. */
function settingsOf(service: SettingsOwner): Schema {
  const { properties } = jsonSchemaOf(service) as { readonly properties: Readonly<Record<string, Schema>> };
  const open = Object.entries(properties).filter(
    ([name, { writeOnly }]) => writeOnly !== true && !WITH_PASSWORDS.includes(name),
  );
  return Object.fromEntries(
    open.map(([name, schema]) => [
      name,
      schema["type"] === "integer"
        ? { description: schema["description"], anyOf: [numberOf(schema), { type: "string", pattern: "^-?[0-9]+$" }] }
        : schema,
    ]),
  );
}

function numberOf({ minimum, maximum }: Schema): Schema {
  return { type: "integer", minimum, maximum };
}

function closed(properties: Schema): Schema {
  return { type: "object", properties, additionalProperties: false };
}
