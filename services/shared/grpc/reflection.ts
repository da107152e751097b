import { readFile } from "node:fs/promises";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { type ServiceDefinition, status } from "@grpc/grpc-js";
import {
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  type ServerReflectionServer,
  ServerReflectionService,
} from "#proto/grpc/reflection/v1/reflection.ts";

/** Made by buf from the protocol files, with everything they import. */
const DESCRIPTOR_SET = new URL("../../../proto/gen/descriptor-set.binpb", import.meta.url);

/** What older tools ask; its messages are those of v1. */
const v1alpha = {
  serverReflectionInfo: {
    ...ServerReflectionService.serverReflectionInfo,
    path: "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
  },
};

/** The reflection service for a server that serves `names` (`package.Service`), in both of its versions. */
export async function createReflection(
  names: readonly string[],
): Promise<[definition: ServiceDefinition, implementation: ServerReflectionServer][]> {
  const { file: files } = fromBinary(FileDescriptorSetSchema, await readFile(DESCRIPTOR_SET));
  const answer = createAnswer(names, files);
  const implementation: ServerReflectionServer = {
    serverReflectionInfo(call) {
      call.on("data", (request: ServerReflectionRequest) => {
        const response = { validHost: request.host, originalRequest: request, messageResponse: answer(request) };
        // A client that asks without reading waits, so that its answers do not pile up here.
        if (!call.write(response)) call.pause().once("drain", () => call.resume());
      });
      call.on("end", () => call.end());
    },
  };
  return [ServerReflectionService, v1alpha].map((definition) => [definition, implementation]);
}

function createAnswer(names: readonly string[], files: readonly FileDescriptorProto[]) {
  const byName = new Map(files.map((file) => [file.name, file]));
  const bySymbol = new Map(files.flatMap((file) => symbolsOf(file).map((symbol) => [symbol, file] as const)));
  const service = names.map((name) => ({ name }));

  return ({ messageRequest: asked }: ServerReflectionRequest): ServerReflectionResponse["messageResponse"] => {
    if (asked?.$case === "listServices") return { $case: "listServicesResponse", value: { service } };
    if (asked?.$case === "fileByFilename") return describe(byName.get(asked.value));
    if (asked?.$case === "fileContainingSymbol") return describe(bySymbol.get(asked.value));
    return notFound;
  };

  function describe(file: FileDescriptorProto | undefined): ServerReflectionResponse["messageResponse"] {
    if (file === undefined) return notFound;
    const needed = [...withImports(file, byName)].map((each) => toBinary(FileDescriptorProtoSchema, each));
    return {
      $case: "fileDescriptorResponse",
      value: { fileDescriptorProto: needed.map((bytes) => Buffer.from(bytes)) },
    };
  }
}

const notFound: ServerReflectionResponse["messageResponse"] = {
  $case: "errorResponse",
  value: { errorCode: status.NOT_FOUND, errorMessage: "nothing of that name is served here" },
};

function withImports(
  file: FileDescriptorProto,
  byName: ReadonlyMap<string, FileDescriptorProto>,
  found = new Set<FileDescriptorProto>(),
): Set<FileDescriptorProto> {
  if (found.has(file)) return found;
  found.add(file);
  for (const name of file.dependency) {
    const imported = byName.get(name);
    if (imported !== undefined) withImports(imported, byName, found);
  }
  return found;
}

/** The full names of a file's services, methods, messages and enums. */
function symbolsOf({ package: scope, service, messageType, enumType }: FileDescriptorProto): string[] {
  const services = service.flatMap(({ name, method }) => [name, ...method.map((each) => `${name}.${each.name}`)]);
  const names = [...services, ...messageType.flatMap(namesOf), ...enumType.map(({ name }) => name)];
  return names.map((name) => `${scope}.${name}`);
}

function namesOf({ name, nestedType, enumType }: DescriptorProto): string[] {
  const inner = [...nestedType.flatMap(namesOf), ...enumType.map((each) => each.name)];
  return [name, ...inner.map((each) => `${name}.${each}`)];
}
