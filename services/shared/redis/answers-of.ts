/** A connection that has not worked for so many calls is begun anew: its server took it and says nothing. */
const MAX_FAILURES = 8;

/** A connection to Redis, as far as its failures matter. */
interface RenewableConnection {
  readonly status: string;
  disconnect(reconnect: boolean): void;
}

/**
 * Makes the function through which all answers of a connection to Redis are taken. It begins the connection anew after some
 * failures in a row, and at once where its server became a replica: the Sentinels, or the name, lead to another one.
 */
export function answersOf(redis: RenewableConnection): <Answer>(answer: Promise<Answer>) => Promise<Answer> {
  let failures = 0;
  return async (answer) => {
    try {
      const answered = await answer;
      failures = 0;
      return answered;
    } catch (error) {
      failures += 1;
      const isReplica = error instanceof Error && error.message.startsWith("READONLY");
      // A connection that is being made is left alone: calls fail at once then, and would break each attempt off.
      if (redis.status === "ready" && (isReplica || failures % MAX_FAILURES === 0)) redis.disconnect(true);
      throw error;
    }
  };
}
