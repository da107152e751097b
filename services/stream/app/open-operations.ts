import type { OpenConnection } from "#shared/contract/edge-questions.ts";
import { serveQuestions } from "../bus/edge-questions.ts";
import { lifetimesOf } from "../connections/lifetimes.ts";
import { answerQuestion, describeStreams } from "../connections/questions/answer-question.ts";
import { startNodeFigures } from "../observe/node-figures.ts";
import { createWallTimes } from "../presence/wall-times.ts";
import type { EdgeParts } from "./edge-parts.ts";
import type { RunningEdge } from "./open-edge.ts";

/** Answers what operators ask about this worker over the bus, until the stack ends it; and describes its streams for the operations port. */
export function openOperations(
  { config, nats, workerId, now, wall }: EdgeParts,
  stack: AsyncDisposableStack,
  edge: Pick<RunningEdge, "hub" | "admission" | "overload" | "observer">,
): { readonly connections: () => Promise<OpenConnection[]> } {
  const { hub, admission, overload, observer } = edge;
  const figures = stack.use(startNodeFigures(now));
  const describing = { now, wallOf: createWallTimes({ now, wall }), lifetimes: lifetimesOf(config) };
  const describeNode = () => ({
    ...figures.read(),
    streams: hub.size,
    maxStreams: config.STREAM_MAX_CONNECTIONS,
    feeds: hub.feeds,
    isDraining: admission.isDraining,
    overloadStep: overload.step === "calm" ? null : overload.step,
  });
  const deps = { ...describing, hub, describeNode };
  stack.use(serveQuestions({ nats, workerId, observer, answer: (question) => answerQuestion(question, deps) }));
  return { connections: () => describeStreams(hub, describing) };
}
