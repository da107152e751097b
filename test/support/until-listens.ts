import { accepts } from "../../scripts/shared/accepts.ts";
import type { Child } from "./child.ts";
import { waitFor } from "./wait.ts";

/** Waits until a started program takes connections on its port; where it does not, the error has what it printed. */
export async function untilListens(name: string, child: Child, port: number): Promise<void> {
  await waitFor(`${name} listens`, () => accepts(port)).catch((error: Error) => {
    throw new Error(`${error.message}\n${child.output()}`);
  });
}
