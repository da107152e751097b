/** What `@sluice/client` exports. */
export { connect, type EventOf, type SluiceStream } from "./connect.ts";
export type { ClientRoad, ConnectOptions, Reaction, Schemas } from "./options.ts";
export type { InvalidEvent, StreamEvent } from "./stream-event.ts";
export type { EndReason, StreamState, WaitReason } from "./stream-state.ts";
