import Negotiator from "negotiator";

/** What browsers say is 200 characters long. To weigh all of 90 KB that anybody may send takes a tenth of a second. */
const MAX_CHARACTERS = 2_048;

/** The headers that say what a client takes. */
interface AcceptHeaders {
  readonly accept?: string | undefined;
  readonly "accept-encoding"?: string | string[] | undefined;
}

/** Weighs what a client accepts, as far as the first 2 048 characters of a header say it. */
export function negotiatorFor({ accept, "accept-encoding": encoding }: AcceptHeaders): Negotiator {
  return new Negotiator({ headers: { accept: cut(accept), "accept-encoding": cut(encoding) } });
}

function cut(header: string | string[] | undefined): string | undefined {
  return header === undefined ? undefined : [header].flat().join(",").slice(0, MAX_CHARACTERS);
}
