import { status } from "@grpc/grpc-js";
import { type DecisionServiceServer, DecisionServiceService } from "#proto/policy/v1/decision.ts";
import { startGrpcServer } from "#shared/grpc/start-server.ts";

// A process of its own that answers every batch of checks at once: what it takes is what gRPC takes. Sends its port.

const version = { number: 1, build: "echo" };
const refuse = (_: unknown, answer: (error: { code: status }) => void): void => answer({ code: status.UNIMPLEMENTED });
const service: DecisionServiceServer = {
  checkBatch: ({ request }, answer) => answer(null, { version, allowed: request.checks.map(() => true) }),
  resolve: refuse,
  decide: refuse,
  explain: refuse,
  mapResources: refuse,
};
const address = { host: "127.0.0.1", port: 0, setting: "none" };
const server = await startGrpcServer(address, [[DecisionServiceService, service]]);
process.send?.(server.port);
