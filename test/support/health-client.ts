import { Client, type ClientReadableStream } from "@grpc/grpc-js";
import { service } from "grpc-health-check";
import type { GrpcChannel } from "#shared/grpc/grpc-security.ts";

interface HealthAnswer {
  readonly status: string;
}

/** Asks the health service of a server, over a connection of its own. */
export interface HealthClient extends Disposable {
  check(): Promise<string>;
  /** Every status from now on, on one call that stays open. */
  watch(): ClientReadableStream<HealthAnswer>;
}

/** Makes a client of `grpc.health.v1.Health`. */
export function createHealthClient(port: number, channel: GrpcChannel): HealthClient {
  const options = { ...channel.options, "grpc.use_local_subchannel_pool": 1 };
  const client = new Client(`127.0.0.1:${port}`, channel.credentials, options);
  const { Check, Watch } = service as Record<"Check" | "Watch", (typeof service)[string]>;
  const decode = (bytes: Buffer): HealthAnswer => Check.responseDeserialize(bytes) as HealthAnswer;
  return {
    check: () =>
      new Promise((resolve, reject) => {
        const deadline = Date.now() + 2_000;
        client.makeUnaryRequest(Check.path, Check.requestSerialize, decode, {}, { deadline }, (error, answer) =>
          error === null && answer !== undefined ? resolve(answer.status) : reject(error ?? new Error("no answer")),
        );
      }),
    watch: () => client.makeServerStreamRequest(Watch.path, Watch.requestSerialize, decode, {}),
    [Symbol.dispose]: () => client.close(),
  };
}
