import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Client } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SessionServiceService } from "#proto/auth/v1/session.ts";
import {
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionService,
} from "#proto/grpc/reflection/v1/reflection.ts";
import { plaintext } from "./grpc-security.ts";
import { type GrpcServer, startGrpcServer } from "./start-server.ts";

type Question = NonNullable<ServerReflectionRequest["messageRequest"]>;

const V1 = ServerReflectionService.serverReflectionInfo;
let server: GrpcServer;
let client: Client;

beforeAll(async () => {
  const implementation = { checkSessions: () => {} };
  const address = { host: "127.0.0.1", port: 0, setting: "NONE" };
  server = await startGrpcServer(address, [[SessionServiceService, implementation]]);
  const { credentials, options } = plaintext.channelTo("");
  client = new Client(`127.0.0.1:${server.port}`, credentials, options);
});

afterAll(async () => {
  client.close();
  await server[Symbol.asyncDispose]();
});

/** Asks everything on one call and answers the responses in their order. */
async function ask(questions: readonly Question[], path: string = V1.path) {
  const call = client.makeBidiStreamRequest(path, V1.requestSerialize, V1.responseDeserialize);
  for (const messageRequest of questions) call.write({ host: "here", messageRequest });
  call.end();
  const responses: ServerReflectionResponse["messageResponse"][] = [];
  for await (const { messageResponse } of call as AsyncIterable<ServerReflectionResponse>)
    responses.push(messageResponse);
  return responses;
}

/** The files of an answer, by their names. */
function files(response: ServerReflectionResponse["messageResponse"]): string[] {
  if (response?.$case !== "fileDescriptorResponse") throw new Error(`no file: ${JSON.stringify(response)}`);
  return response.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name);
}

test.each(["v1", "v1alpha"])("a server lists what it serves, and no more, in %s", async (version) => {
  const [listed] = await ask([{ $case: "listServices", value: "" }], V1.path.replace("v1", version));
  const service = [{ name: "grpc.health.v1.Health" }, { name: "auth.v1.SessionService" }];
  expect(listed).toEqual({ $case: "listServicesResponse", value: { service } });
});

test.each([
  "auth.v1.SessionService",
  "auth.v1.SessionService.CheckSessions",
  "auth.v1.CheckSessionsRequest",
  "auth.v1.SessionState",
])("%s is found in its file, and so is the file by its name", async (value) => {
  const name = "auth/v1/session.proto";
  const answers = await ask([
    { $case: "fileContainingSymbol", value },
    { $case: "fileByFilename", value: name },
  ]);
  expect(answers.map((answer) => files(answer)[0])).toEqual([name, name]);
});

test("what is not there, or not asked for in a way that is known, is not found", async () => {
  const answers = await ask([
    { $case: "fileContainingSymbol", value: "auth.v1.Nothing" },
    { $case: "fileByFilename", value: "../../../package.json" },
    { $case: "allExtensionNumbersOfType", value: "auth.v1.SessionAnswer" },
  ]);
  expect(answers.map((answer) => answer?.$case)).toEqual(["errorResponse", "errorResponse", "errorResponse"]);
});

test("thousands of questions on one call are answered in their order", async () => {
  const values = Array.from({ length: 2_000 }, (_, index) => (index % 2 === 0 ? "auth.v1.SessionAnswer" : "x"));
  const answers = await ask(values.map((value) => ({ $case: "fileContainingSymbol", value })));
  expect(answers.map((answer) => answer?.$case === "errorResponse")).toEqual(values.map((value) => value === "x"));
});
