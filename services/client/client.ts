/** What `@sluice/client` exports. */
export { ProblemError } from "./calls/problem-error.ts";
export type { Deliveries, NewEvent, Presence, Published, StreamCalls, TopicChange } from "./calls/stream-calls.ts";
export { connect } from "./connect.ts";
export type { ClientRoad, ConnectOptions, Reaction, Schemas } from "./options.ts";
export type { EventOf, SluiceStream } from "./sluice-stream.ts";
export { StreamEndedError } from "./stream-ended-error.ts";
export type { InvalidEvent, StreamEvent } from "./stream-event.ts";
export type { EndReason, StreamState, WaitReason } from "./stream-state.ts";
