import { z } from "zod";
import {
  ALL_CONNECTIONS,
  CONNECTION_EVENTS,
  connectionEntrySchema,
} from "../../services/shared/contract/connection-log.ts";
import { ASK_EDGES, edgeAnswerSchema, edgeQuestionSchema } from "../../services/shared/contract/edge-questions.ts";
import { frameSchemas, jsonFrameSchema } from "../../services/shared/contract/frame-schemas.ts";
import { cloudEventSchema } from "../../services/shared/contract/published-events.ts";
import { VERSION } from "../../services/shared/lifecycle/version.ts";
import { callAnswerSchema, callSchema } from "../../services/stream/bus/peer-calls.ts";
import { CONTROL_ENTRIES, type JsonSchema, jsonSchemaOf } from "./json-schemas.ts";

const TENANT = { description: "The id of a tenant: 1 to 64 of `A-Z a-z 0-9 _ -`." };

/** The headers of an event on the bus. */
const headersSchema = z.looseObject({
  "Nats-Msg-Id": z.string().optional().describe("The bus stores one of those with the same id within two minutes."),
  traceparent: z.string().optional().describe("The trace that the event belongs to (W3C Trace Context)."),
  "ce-id": z.string().optional().describe("`ce-` and a name: a CloudEvents attribute, which conditions read."),
  "ce-source": z.string().optional(),
  "ce-type": z.string().optional(),
  "ce-time": z.string().optional(),
});

/** The document of AsyncAPI 3.0 for the bus and for the frames of streams; Sluice is the application that it describes. */
export function asyncDocument(): object {
  const control = Object.entries(CONTROL_ENTRIES).map(([kind, schema]) => [kind, jsonSchemaOf(schema)] as const);
  const frames = Object.entries(frameSchemas).map(([event, schema]) => [event, jsonSchemaOf(schema)] as const);
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Sluice: the bus and the frames",
      version: VERSION,
      description: "What producers put on the bus, what Sluice puts there, and what comes on a stream.",
      license: { name: "Apache-2.0" },
    },
    defaultContentType: "application/json",
    servers: {
      bus: { host: "localhost:4222", protocol: "nats", description: "NATS with JetStream, 2.12 or newer." },
      edge: { host: "localhost:8080", protocol: "http", description: "The edge's public port." },
    },
    channels: {
      events: eventsChannel(),
      ...Object.fromEntries(control.map(([kind, payload]) => [`control-${kind}`, controlChannel(kind, payload)])),
      connections: connectionsChannel(),
      ...requestChannels(),
      stream: streamChannel(frames),
    },
    operations: {
      takeEvents: operation("receive", "events", "Every event that is stored goes to the streams that may have it."),
      ...Object.fromEntries(
        control.map(([kind]) => [
          `announce-${kind}`,
          operation("send", `control-${kind}`, "The answer to a change comes once its entry is stored."),
        ]),
      ),
      noteConnections: operation("send", "connections", "Kept for a day."),
      askEdges: {
        ...operation("send", "edgeQuestions", "Policy asks all edges; each of their workers answers once."),
        reply: { channel: { $ref: "#/channels/edgeAnswers" } },
      },
      callWorker: {
        ...operation("send", "workerCalls", "A worker asks the one that holds a connection or a subscription."),
        reply: { channel: { $ref: "#/channels/workerAnswers" } },
      },
      sendFrames: operation("send", "stream", "Over HTTP the frames are Server-Sent Events."),
    },
  };
}

function operation(action: "send" | "receive", channel: string, summary: string): object {
  return { action, channel: { $ref: `#/channels/${channel}` }, summary };
}

const ON_BUS = [{ $ref: "#/servers/bus" }];

function eventsChannel(): object {
  return {
    address: "events.{tenant}.{resource}.{action}",
    description: "The stream is `EVENTS_<tenant>`. Up to six more tokens may follow: the event's key.",
    servers: ON_BUS,
    parameters: {
      tenant: TENANT,
      resource: { description: "`order`: with the action it is the event's type." },
      action: { description: "`created`" },
    },
    messages: {
      event: {
        name: "event",
        contentType: "application/json",
        headers: jsonSchemaOf(headersSchema),
        payload: { description: "UTF-8 text, usually JSON, of at most 1 MiB." },
        examples: [{ headers: { "Nats-Msg-Id": "order-42" }, payload: { total: 12 } }],
      },
    },
  };
}

function controlChannel(kind: string, payload: JsonSchema): object {
  return {
    address: `control.{tenant}.${kind}`,
    description: "An entry of the tenant's log, between its events. Services write it, and nobody else may.",
    servers: ON_BUS,
    parameters: { tenant: TENANT },
    messages: { [kind]: { name: kind, contentType: "application/json", payload } },
  };
}

function connectionsChannel(): object {
  return {
    address: `${ALL_CONNECTIONS.replace(".>", "")}.{tenant}.{person}.{event}`,
    description: "The connection log: who was connected when.",
    servers: ON_BUS,
    parameters: {
      tenant: TENANT,
      person: { description: "A hash of the person's name." },
      event: { enum: [...CONNECTION_EVENTS] },
    },
    messages: {
      entry: { name: "entry", contentType: "application/json", payload: jsonSchemaOf(connectionEntrySchema) },
    },
  };
}

function requestChannel(address: string | null, description: string, name: string, payload: JsonSchema): object {
  return {
    address,
    description,
    servers: ON_BUS,
    messages: { [name]: { name, contentType: "application/json", payload } },
  };
}

/** What services ask edges by requests on the bus. Answers go to the inbox that a request names. */
function requestChannels(): object {
  const inbox = "The inbox that the request names.";
  return {
    edgeQuestions: requestChannel(
      ASK_EDGES,
      "Policy's questions. Services of two releases understand each other in these; nobody else asks.",
      "edgeQuestion",
      jsonSchemaOf(edgeQuestionSchema),
    ),
    edgeAnswers: requestChannel(null, inbox, "edgeAnswer", jsonSchemaOf(edgeAnswerSchema)),
    workerCalls: {
      ...requestChannel(
        "edge.{worker}",
        "Calls about a connection or a subscription that this worker holds. Nobody but edges reaches these subjects.",
        "workerCall",
        jsonSchemaOf(callSchema),
      ),
      parameters: { worker: { description: "The id of a worker, which its connection ids begin with." } },
    },
    workerAnswers: requestChannel(null, inbox, "workerAnswer", jsonSchemaOf(callAnswerSchema)),
  };
}

/** A frame's data is JSON, but for `cursor`, whose data is empty. */
function streamChannel(frames: readonly (readonly [string, JsonSchema])[]): object {
  const id = { type: "string", description: "Where the client is: what Last-Event-ID resumes behind." };
  const ours = frames.map(([event, payload]) => {
    const headers = { type: "object", properties: { event: { const: event }, id, retry: { type: "integer" } } };
    return [event, { name: event, contentType: "application/json", headers, payload }] as const;
  });
  const type = { type: "string", description: "The event's type, which has a dot; with `events=named` alone." };
  const headers = { type: "object", properties: { event: type, id } };
  return {
    address: "/v1/stream",
    description:
      "Fields of a block stand as headers of a message here. The parameters are in the edge's OpenAPI document.",
    servers: [{ $ref: "#/servers/edge" }],
    messages: {
      event: { name: "event", headers, payload: { description: "The payload as it was published." } },
      cloudEvent: { name: "cloudEvent", headers, payload: jsonSchemaOf(cloudEventSchema) },
      jsonFrame: {
        name: "jsonFrame",
        summary: "Any frame, on the roads that send JSON.",
        payload: jsonSchemaOf(jsonFrameSchema),
      },
      ...Object.fromEntries(ours),
    },
  };
}
