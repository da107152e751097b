import { type ServerWritableStream, status } from "@grpc/grpc-js";
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as Status,
  type HealthServer,
  HealthService,
} from "#proto/grpc/health/v1/health.ts";

type Watching = ServerWritableStream<HealthCheckRequest, HealthCheckResponse>;

/** The name of the server as a whole, the only one whose health is told. */
const WHOLE = "";

/** The health of a server as gRPC's own protocol tells it (grpc.health.v1): it serves nothing until it is set. */
export class Health {
  #status: Status = Status.NOT_SERVING;
  readonly #watching = new Set<Watching>();

  setServing(serving: boolean): void {
    this.#status = serving ? Status.SERVING : Status.NOT_SERVING;
    for (const call of this.#watching) call.write({ status: this.#status });
  }

  /** Its definition and its implementation. */
  service(): [typeof HealthService, HealthServer] {
    const implementation: HealthServer = {
      check: ({ request }, callback) => {
        if (request.service === WHOLE) callback(null, { status: this.#status });
        else callback({ code: status.NOT_FOUND, details: `there is no service ${request.service}` });
      },
      watch: (call) => {
        if (call.request.service !== WHOLE) return void call.write({ status: Status.SERVICE_UNKNOWN });
        this.#watching.add(call);
        call.on("cancelled", () => this.#watching.delete(call));
        call.write({ status: this.#status });
      },
      list: (_, callback) => callback(null, { statuses: { [WHOLE]: { status: this.#status } } }),
    };
    return [HealthService, implementation];
  }
}
