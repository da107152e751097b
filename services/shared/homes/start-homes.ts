import type { FurtherHome } from "./further-home.ts";
import type { ServedHome } from "./home-of-issuer.ts";
import { type Home, outsideIssuersOf } from "./homes-file.ts";

/** A further home that a service opens. */
export interface Further<Open> extends ServedHome<Open> {
  readonly home: FurtherHome<Open>;
}

/** Begins to open further homes, in the order of the file; `start` begins with one. They end with the stack. */
export async function startHomes<Open>(
  homes: readonly Home[],
  { issuerSecrets }: { readonly issuerSecrets: Readonly<Record<string, string>> },
  stack: AsyncDisposableStack,
  start: (home: Home) => FurtherHome<Open>,
): Promise<Further<Open>[]> {
  const further: Further<Open>[] = [];
  for (const each of homes) {
    const outside = await outsideIssuersOf(each, issuerSecrets);
    further.push({ home: stack.use(start(each)), issuer: each.settings.AUTH_ISSUER, outside });
  }
  return further;
}
