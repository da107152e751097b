import { status } from "@grpc/grpc-js";

/** The most characters of names in one call: a third of a message, as one of them takes up to three bytes. */
const MAX_CHARACTERS = 1_000_000;

/**
 * Asks questions in calls whose messages fit. A subject may have thousands of groups, so that a batch of subjects is cut by
 * its size; a part whose answer is too large is asked in halves. The answers stand in the order of the questions.
 */
export async function askInParts<Question, Answer>(
  questions: readonly Question[],
  charactersOf: (question: Question) => number,
  ask: (part: readonly Question[]) => Promise<readonly Answer[]>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const part of partsOf(questions, charactersOf)) answers.push(...(await askHalving(part, ask)));
  return answers;
}

/** The characters of these names, and what is around them. */
export function charactersIn(names: readonly string[]): number {
  return names.reduce((sum, name) => sum + name.length + 4, 0);
}

function partsOf<Question>(questions: readonly Question[], charactersOf: (question: Question) => number): Question[][] {
  const parts: Question[][] = [];
  let room = 0;
  for (const question of questions) {
    const characters = charactersOf(question);
    const last = parts.at(-1);
    if (last === undefined || characters > room) {
      parts.push([question]);
      room = MAX_CHARACTERS - characters;
    } else {
      last.push(question);
      room -= characters;
    }
  }
  return parts;
}

async function askHalving<Question, Answer>(
  part: readonly Question[],
  ask: (part: readonly Question[]) => Promise<readonly Answer[]>,
): Promise<readonly Answer[]> {
  try {
    return await ask(part);
  } catch (error) {
    if (part.length === 1 || !isTooLarge(error)) throw error;
    const half = Math.ceil(part.length / 2);
    return [...(await askHalving(part.slice(0, half), ask)), ...(await askHalving(part.slice(half), ask))];
  }
}

/** Both sides refuse a message beyond their limit with this status, which stands somewhere among the causes. */
function isTooLarge(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) {
    if ("code" in each && each.code === status.RESOURCE_EXHAUSTED) return true;
  }
  return false;
}
