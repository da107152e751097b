import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { AppError } from "#shared/errors/app-error.ts";
import { askInParts, charactersIn } from "./ask-in-parts.ts";

function tooLarge(): AppError {
  const cause = Object.assign(new Error("larger than max"), { code: status.RESOURCE_EXHAUSTED });
  return new AppError("unavailable", "auth does not answer", { cause: new AppError("unavailable", "", { cause }) });
}

test("a batch is asked in parts of a million characters, in order, and a larger question alone", async () => {
  const parts: number[][] = [];
  const answers = await askInParts(
    [400_000, 600_000, 1, 2_000_000, 1, 1],
    (characters) => characters,
    async (part) => {
      parts.push([...part]);
      return part.map(String);
    },
  );
  expect(parts).toEqual([[400_000, 600_000], [1], [2_000_000], [1, 1]]);
  expect(answers).toEqual(["400000", "600000", "1", "2000000", "1", "1"]);
});

test("a part whose answer does not fit is asked in halves, and the answers keep their order", async () => {
  const sizes: number[] = [];
  const questions = Array.from({ length: 10 }, (_, index) => index);
  const answers = await askInParts(
    questions,
    () => 1,
    async (part) => {
      sizes.push(part.length);
      if (part.length > 3) throw tooLarge();
      return part;
    },
  );
  expect(answers).toEqual(questions);
  expect(sizes).toEqual([10, 5, 3, 2, 5, 3, 2]);
});

test("a question whose answer does not fit, and any other failure, is not asked again", async () => {
  let calls = 0;
  const failing = (error: AppError) => async (): Promise<never> => {
    calls += 1;
    throw error;
  };
  await expect(askInParts([1], () => 1, failing(tooLarge()))).rejects.toThrow(AppError);
  await expect(askInParts([1, 2], () => 1, failing(new AppError("unavailable", "away")))).rejects.toThrow("away");
  expect(calls).toBe(2);
});

test("names count with what is around them", () => {
  expect(charactersIn(["ab", "c"])).toBe(11);
});
