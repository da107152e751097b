import { ScriptError } from "../shared/run-script.ts";
import { standingOf } from "./home-stream.ts";
import { answers, type RegionView } from "./view-home.ts";

/**
 * Has every region said what it has of the home, and no two of them take anything: then a link between them carries an event to one.
 * @throws {ScriptError} where a region does not answer, and where two take something.
 */
export function requireOneWriter(views: readonly RegionView[]): void {
  for (const view of views) if (!answers(view)) throw new ScriptError(view.fault);
  const writers = views
    .filter(answers)
    .filter(({ streams }) => streams.some((each) => standingOf(each).kind === "open"));
  if (writers.length < 2) return;
  const names = writers.map(({ region }) => region).join(" and ");
  throw new ScriptError(
    `regions ${names} both take events of this home: sluice region rejoin closes the one with the lower term; of equal terms sluice region fence ends one of them first`,
  );
}
