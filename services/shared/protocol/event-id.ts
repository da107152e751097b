/**
 * A place in a tenant's log: everything up to and including `seq`. The tag binds the sequence to that very message, so
 * that a log which lost its tail and used the number again is noticed; it is `0` where no message stands.
 */
export interface Position {
  readonly seq: number;
  readonly tag: string;
}

/** An event id as clients send it back: which log, and where in it. */
export interface EventId {
  readonly epoch: string;
  readonly position: Position;
}

const MAX_CHARACTERS = 128;
const EVENT_ID = /^([A-Za-z0-9_-]{8,32})\.(\d{1,16})\.([a-z0-9]{1,16})$/;

/** The id of a position: `<epoch>.<seq>.<tag>`, made of characters that no header or proxy minds. */
export function formatEventId(epoch: string, { seq, tag }: Position): string {
  return `${epoch}.${seq}.${tag}`;
}

/** The id in `text`, which anybody may have made up; undefined when it cannot be one of ours. */
export function parseEventId(text: string): EventId | undefined {
  if (text.length > MAX_CHARACTERS) return undefined;
  const [, epoch, digits, tag] = EVENT_ID.exec(text) ?? [];
  const seq = Number(digits);
  if (epoch === undefined || tag === undefined || !Number.isSafeInteger(seq)) return undefined;
  return { epoch, position: { seq, tag } };
}
