import type { Hono } from "hono";
import { z } from "zod";
import { AppError } from "#shared/errors/app-error.ts";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { patternTextSchema } from "#shared/contract/topic-schema.ts";
import { callContextOf, readJson } from "#shared/http/json-api.ts";
import { BY_TOKEN, TOKEN_ERRORS } from "#shared/http/openapi/credentials.ts";
import { describeCall, jsonAnswer, jsonBody } from "#shared/http/openapi/describe-call.ts";
import { identityOf } from "../access/registration.ts";
import type { CallLimits } from "../admission/call-limits.ts";
import type { CallConnection } from "../call-connection.ts";
import { parseTopicChange } from "../subscription/parse-topic-change.ts";
import { addressOfCall } from "./caller-address.ts";
import { topicsChangedSchema } from "./edge-answers.ts";
import { type CallerReading, readCaller } from "./read-caller.ts";

const bodySchema = z.strictObject({
  add: z.array(patternTextSchema).default([]),
  remove: z.array(patternTextSchema).default([]),
});

const CHANGE = describeCall({
  id: "changeTopics",
  tag: "Streams",
  summary: "Changes the topics of an open stream, whichever edge holds it",
  by: BY_TOKEN,
  path: { connectionId: nameSchema },
  body: jsonBody(bodySchema),
  answers: { 200: jsonAnswer("The change is in force.", topicsChangedSchema) },
  errors: [
    ...TOKEN_ERRORS,
    "malformed_topic",
    "forbidden",
    "tenant_suspended",
    "not_found",
    "limit_exceeded",
    "too_many_requests",
  ],
  example: { path: { connectionId: "w1-Zk3f9a" }, body: { add: ["invoice.*"], remove: [] }, status: 404 },
});

/** The edge, as far as the route uses it. */
export interface TopicsRoute extends CallerReading {
  readonly callConnection: CallConnection;
  readonly callLimits: CallLimits;
}

/** Adds `POST /v1/streams/{connectionId}/topics`, wherever the connection is held: the topics of an open stream change. */
export function addTopicsRoute(api: Hono, route: TopicsRoute): void {
  api.post("/v1/streams/:connectionId{[A-Za-z0-9_-]{1,64}}/topics", CHANGE, async (c) => {
    route.callLimits.admitChangeOfAddress(addressOfCall(c, route.trusted));
    const connectionId = c.req.param("connectionId");
    const claims = await readCaller(route, c, { connectionId });
    route.callLimits.admitChange(claims.tenant_id, claims.sub);
    const change = parseTopicChange(await readJson(c, bodySchema));
    const call = { kind: "topics", connectionId, identity: identityOf(claims), ...change } as const;
    const answer = await route.callConnection(call, callContextOf(c));
    if (!("topics" in answer)) throw new AppError("internal", "another call was answered");
    return c.json(answer);
  });
}
