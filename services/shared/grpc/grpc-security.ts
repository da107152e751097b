import {
  type ChannelCredentials,
  type ChannelOptions,
  credentials,
  experimental,
  ServerCredentials,
  type ServerInterceptor,
} from "@grpc/grpc-js";
import type { Logger } from "#shared/log/create-logger.ts";
import { readTlsMaterial, tlsFilesOf } from "#shared/tls/tls-material.ts";
import { clientChannelOptions } from "./channel-options.ts";
import { type CallersByPath, checkCaller } from "./check-caller.ts";
import { type GrpcTlsSettings, grpcTlsFiles } from "./tls-settings.ts";
import { WatchedTls } from "./watch-tls.ts";

/** What a generated client is made with, after its address. */
export interface GrpcChannel {
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
}

/** The TLS of a service's gRPC. Dispose it after its servers and clients. */
export interface GrpcSecurity extends Disposable {
  readonly serverCredentials: ServerCredentials;
  /** Server interceptors that admit only these callers. */
  interceptors(callers: CallersByPath): ServerInterceptor[];
  /** A channel to a server; its certificate must be for that DNS name. */
  channelTo(serverName: string): GrpcChannel;
}

/** No TLS: for one machine or a private network, where everybody who reaches a port may call it. */
export const plaintext: GrpcSecurity = {
  serverCredentials: ServerCredentials.createInsecure(),
  interceptors: () => [],
  channelTo: () => ({ credentials: credentials.createInsecure(), options: clientChannelOptions }),
  [Symbol.dispose]: () => {},
};

/**
 * Mutual TLS as the service with the DNS name `name`, or plaintext where no files are set.
 * @throws {BootError} when the files are not all set, or are not what they should be.
 */
export async function openGrpcSecurity(settings: GrpcTlsSettings, name: string, log: Logger): Promise<GrpcSecurity> {
  const files = tlsFilesOf(settings, grpcTlsFiles);
  if (files === undefined) return plaintext;
  const tls = new WatchedTls(files, name, await readTlsMaterial(files, name), log);
  return {
    serverCredentials: experimental.createCertificateProviderServerCredentials(tls, tls, true),
    interceptors: (callers) => [checkCaller(callers, log)],
    channelTo: (serverName) => ({
      credentials: experimental.createCertificateProviderChannelCredentials(tls, tls),
      options: { ...clientChannelOptions, "grpc.ssl_target_name_override": serverName },
    }),
    [Symbol.dispose]: () => tls[Symbol.dispose](),
  };
}
