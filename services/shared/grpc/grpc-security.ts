import { isIPv4 } from "node:net";
import {
  type ChannelCredentials,
  type ClientOptions,
  credentials,
  experimental,
  ServerCredentials,
  type ServerInterceptor,
} from "@grpc/grpc-js";
import { BootError } from "#shared/config/read-config.ts";
import { LOOPBACK } from "#shared/http/listen.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import { readTlsMaterial, type TlsFiles, tlsFilesOf } from "#shared/tls/tls-material.ts";
import { clientChannelOptions } from "./channel-options.ts";
import { type CallersByPath, checkCaller } from "./check-caller.ts";
import { followServers } from "./servers-resolver.ts";
import { type GrpcTlsSettings, grpcTlsFiles } from "./tls-settings.ts";
import { WatchedTls } from "./watch-tls.ts";

/** What a generated client is made with, after its address. */
export interface GrpcChannel {
  readonly credentials: ChannelCredentials;
  readonly options: Partial<ClientOptions>;
}

/** The TLS of a service's gRPC. Dispose it after its servers and clients. */
export interface GrpcSecurity extends Disposable {
  readonly serverCredentials: ServerCredentials;
  /** Server interceptors that admit only these callers. */
  interceptors(callers: CallersByPath): ServerInterceptor[];
  /** A channel to a server; its certificate must be for that DNS name. */
  channelTo(serverName: string): GrpcChannel;
}

/**
 * Makes sure that gRPC has all of TLS, or none where no stranger reaches it: whoever reaches plaintext gRPC may end any session and
 * ask for anybody's rights. Answers the files of TLS.
 * @throws {BootError} where it has not.
 */
export function requireGrpcSettings(settings: GrpcTlsSettings, bindAddress: string = LOOPBACK): TlsFiles | undefined {
  const files = tlsFilesOf(settings, grpcTlsFiles);
  if (files === undefined) requirePrivate(bindAddress, settings);
  return files;
}

function requirePrivate(bindAddress: string, { GRPC_PLAINTEXT: plain }: GrpcTlsSettings): void {
  if (plain === "allow" || isLoopback(bindAddress)) return;
  throw new BootError(
    `gRPC would listen on ${bindAddress} in plain text, where everybody who reaches it may call it: set ${Object.values(grpcTlsFiles).join(", ")} for mutual TLS, or GRPC_PLAINTEXT=allow where no stranger reaches that address`,
  );
}

function isLoopback(address: string): boolean {
  return address === "localhost" || address === "::1" || (isIPv4(address) && address.startsWith("127."));
}

/** No TLS: for one machine or a private network, where everybody who reaches a port may call it. */
export const plaintext: GrpcSecurity = {
  serverCredentials: ServerCredentials.createInsecure(),
  interceptors: () => [],
  channelTo: () => channelWith(credentials.createInsecure(), clientChannelOptions),
  [Symbol.dispose]: () => {},
};

/**
 * Mutual TLS as the service with the DNS name `name`, or plaintext where no files are set. `bindAddress` is where the
 * service's own gRPC listens, if it has one.
 * @throws {BootError} when the files are not all set, or are not what they should be; when plaintext would listen for others
 * than this machine, and nobody said that it may.
 */
export async function openGrpcSecurity(
  settings: GrpcTlsSettings,
  name: string,
  log: Logger,
  bindAddress: string = LOOPBACK,
): Promise<GrpcSecurity> {
  const files = requireGrpcSettings(settings, bindAddress);
  if (files === undefined) return plaintext;
  const refusals = limitLines(log);
  const tls = new WatchedTls(files, name, await readTlsMaterial(files, name), log);
  return {
    serverCredentials: experimental.createCertificateProviderServerCredentials(tls, tls, true),
    interceptors: (callers) => [checkCaller(callers, refusals)],
    channelTo: (serverName) =>
      channelWith(experimental.createCertificateProviderChannelCredentials(tls, tls), {
        ...clientChannelOptions,
        "grpc.ssl_target_name_override": serverName,
      }),
    [Symbol.dispose]: () => {
      tls[Symbol.dispose]();
      refusals[Symbol.dispose]();
    },
  };
}

function channelWith(by: ChannelCredentials, options: Partial<ClientOptions>): GrpcChannel {
  followServers();
  return { credentials: by, options };
}
