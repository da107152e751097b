import { expect, test } from "vitest";
import { findBreaks } from "./compare-documents.ts";

/** A document with one call, as it is before each change. */
const BEFORE = {
  paths: {
    "/v1/orders/{id}": {
      put: {
        parameters: [
          { in: "query", name: "fresh", required: false, schema: { type: "string", enum: ["true", "false"] } },
        ],
        requestBody: {
          required: false,
          content: { "application/json": { schema: { $ref: "#/components/schemas/Wish" } } },
        },
        responses: {
          200: { content: { "application/json": { schema: { $ref: "#/components/schemas/Order" } } } },
          404: { content: {} },
        },
      },
    },
  },
  components: {
    schemas: {
      Wish: { type: "object", properties: { note: { type: "string" } }, required: [], additionalProperties: false },
      Order: {
        type: "object",
        properties: {
          lines: {
            type: "array",
            items: { type: "object", properties: { sku: { type: "string" } }, required: ["sku"] },
          },
        },
        required: ["lines"],
      },
    },
  },
};

type Document = typeof BEFORE;

/** What is found where the document was changed in this way. */
function breaksOf(
  change: (document: Document, call: Document["paths"]["/v1/orders/{id}"]["put"]) => void,
): readonly string[] {
  const after = structuredClone(BEFORE);
  change(after, after.paths["/v1/orders/{id}"].put);
  return findBreaks(BEFORE, after);
}

const NAME = "PUT /v1/orders/{id}";

test("what adds calls, optional parameters, members and answers breaks nothing", () => {
  const breaks = breaksOf((document, call) => {
    Object.assign(document.paths, { "/v1/more": { get: { responses: {} } } });
    call.parameters.push({ in: "query", name: "more", required: false, schema: { type: "string", enum: ["x"] } });
    Object.assign(document.components.schemas.Wish.properties, { more: { type: "string" } });
    Object.assign(document.components.schemas.Order.properties, { more: { type: "string" } });
    Object.assign(call.responses, { 201: { content: {} } });
  });
  expect(breaks).toEqual([]);
});

test.each<[string, Parameters<typeof breaksOf>[0]]>([
  [`${NAME} is gone`, (document) => void Reflect.deleteProperty(document.paths, "/v1/orders/{id}")],
  [`${NAME}: the parameter query fresh is gone`, (_, call) => void call.parameters.pop()],
  [
    `${NAME}: the parameter query fresh must be given now`,
    (_, call) => void Object.assign(call.parameters[0] ?? {}, { required: true }),
  ],
  [
    `${NAME}: the parameter query fresh may not be "false" any more`,
    (_, call) => void call.parameters[0]?.schema.enum.pop(),
  ],
  [`${NAME}: a body must be sent now`, (_, call) => void (call.requestBody.required = true)],
  [
    `${NAME}: a body of application/json is not taken any more`,
    (_, call) => void Reflect.deleteProperty(call.requestBody.content, "application/json"),
  ],
  [
    `${NAME}: the body must have "note" now`,
    (document) => void Object.assign(document.components.schemas.Wish, { required: ["note"] }),
  ],
  [
    `${NAME}: the body may not have "note" any more`,
    (document) => void Reflect.deleteProperty(document.components.schemas.Wish.properties, "note"),
  ],
  [`${NAME}: the answer 200 is gone`, (_, call) => void Reflect.deleteProperty(call.responses, "200")],
  [
    `${NAME}: the answer 200 has no "lines" any more`,
    (document) => void Reflect.deleteProperty(document.components.schemas.Order.properties, "lines"),
  ],
  [
    `${NAME}: the answer 200 may lack "lines" now`,
    (document) => void (document.components.schemas.Order.required = []),
  ],
  [
    `${NAME}: each item of "lines" of the answer 200 may lack "sku" now`,
    (document) => void (document.components.schemas.Order.properties.lines.items.required = []),
  ],
])("%s", (words, change) => {
  expect(breaksOf(change)).toEqual([words]);
});
