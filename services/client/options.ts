import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { ControlData } from "../shared/protocol/control-frames.ts";
import type { Transport } from "../shared/protocol/transports.ts";
import type { InvalidEvent } from "./stream-event.ts";

/** The roads that this client knows. */
export const CLIENT_ROADS = ["sse", "websocket", "poll"] as const;

/** A road that this client knows. */
export type ClientRoad = Extract<Transport, (typeof CLIENT_ROADS)[number]>;

/** What is done about something that must not be overlooked: a function, or the decision that nothing is. */
export type Reaction<Value> = ((value: Value) => void) | "ignore";

/** Schemas by the types of events, of any library that keeps to Standard Schema: zod, valibot, arktype. */
export type Schemas = Readonly<Record<string, StandardSchemaV1>>;

/** What `connect` is told. */
export type ConnectOptions<Given extends Schemas = Schemas> = StreamOptions & Validation<Given>;

/** Where there are schemas, the events that do not fit must not be overlooked. */
export type Validation<Given extends Schemas> =
  | { readonly schema: Given; readonly onInvalid: Reaction<InvalidEvent> }
  | { readonly schema?: undefined; readonly onInvalid?: undefined };

/** What `connect` is told beside schemas. */
export interface StreamOptions {
  /** The edge: `https://events.example.com`, without `/v1/stream`. */
  readonly url: string;
  /** Topic patterns; none where a durable subscription is named. */
  readonly topics?: readonly string[];
  /** An access token, or what fetches one; it gives none where nobody is logged in. Leave it out to use cookies. */
  readonly token?: string | (() => Promise<string | undefined>);
  /** Sends the cookies of the edge's host along. */
  readonly credentials?: "include";
  /** Renews the cookie, or fetches a token, when the present one no longer counts. */
  readonly refresh?: () => Promise<string | void>;
  /** An id of this tab or device: topics that are changed on the way are kept under it. */
  readonly client?: string;
  /** The name of a durable subscription. */
  readonly subscription?: string;
  /** Where a stream without an id begins: `now`, `earliest` or a time. */
  readonly from?: string;
  /** Goes on behind this event. */
  readonly lastEventId?: string;
  /** Topic patterns whose presence is told. */
  readonly presence?: readonly string[];
  /**
   * The roads to try, in this order. Those that this program cannot take are passed over: Node 20 has no WebSocket, and a durable
   * subscription is not polled. `connect` throws a TypeError where none is left.
   */
  readonly transports?: readonly ClientRoad[];
  /** One stream for all tabs of the page's origin; on by default where Web Locks and BroadcastChannel are. */
  readonly share?: boolean;
  /** Keeps the last id over a reload of the page. */
  readonly remember?: "session";
  /** Events may be missing. */
  readonly onGap: Reaction<ControlData["gap"]>;
  /** The id meant nothing to the edge: what was shown may be anything. */
  readonly onReset: Reaction<ControlData["reset"]>;
  /** Delivery stands still. */
  readonly onDegraded: Reaction<ControlData["degraded"]>;
  /** Tells the edge how the streams of one client in twenty fare, without a word about the person. */
  readonly reports?: boolean | { readonly region: string };
}
