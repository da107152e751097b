/**
 * The answer to a request that must be carried out.
 * @throws with what it says where it is not: whoever waits for what it does would wait in vain.
 */
export async function requireOk(asking: Promise<Response>): Promise<Response> {
  const answer = await asking;
  if (answer.ok) return answer;
  throw new Error(`${answer.url} answered ${answer.status}: ${await answer.text()}`);
}
