import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";

/** Whether a conditional write failed because somebody else wrote first. */
export function isLostRace(error: unknown): boolean {
  if (!(error instanceof JetStreamApiError)) return false;
  const { StreamWrongLastSequence, StreamWrongLastSequenceUnknown } = JetStreamApiCodes;
  return error.code === StreamWrongLastSequence || error.code === StreamWrongLastSequenceUnknown;
}
