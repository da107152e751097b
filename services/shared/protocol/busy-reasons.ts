/**
 * Why a stream is refused for now, and the words for the person who waits. They say what is the caller's own, and nothing
 * of how large an installation or how many others there are.
 */
export const busyTexts = {
  full: "this server is full",
  drain: "this server is going away; another one is there",
  overload: "this server has too much to do",
  address_rate: "too many requests came from your network within a minute",
  address_streams: "as many streams are open from your network as may be",
  subject_rate: "you asked for too many streams within a minute",
  subject_streams: "you have as many streams open as you may; close one",
  session_streams: "this session has as many streams open as it may; close one",
  tenant_rate: "too many streams of this tenant begin at once",
  tenant_streams: "this tenant has as many streams as it may",
  held: "this subscription is delivered to another connection; close that one, or ask with takeover=true",
  unavailable: "not now",
} as const;

/** A reason for `busy`; a closed union. */
export type BusyReason = keyof typeof busyTexts;
