import type { LastWord } from "../event.ts";

/** A client has sent messages, which nobody reads (RFC 6455, section 7.4.1). */
export const MESSAGE_CODE = 1008;

/** The edge has failed (RFC 6455, section 7.4.1). */
export const FAULT_CODE = 1011;

/** The client is refused for now. */
export const BUSY_CODE = 4029;

/** The code that a WebSocket is closed by (RFC 6455, section 7.4); those from 4000 on are ours. */
export function closeCodeOf({ event, reason }: LastWord): number {
  if (event === "bye") return 1001;
  return reason === "forbidden" ? 4003 : 4001;
}
