import { type ReadonlySignal, signal } from "@preact/signals";
import { isName } from "#shared/protocol/names.ts";

/** Where the page is: a screen's name and its parameters, as they stand in the address. */
export interface Place {
  readonly screen: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** The address bar, as state. Addresses are `/console/<screen>?<parameters>`, and hold no secrets. */
export interface Router {
  readonly place: ReadonlySignal<Place>;
  parameter(name: string): string | undefined;
  /** The address of a screen; the tenant that is looked at is kept. */
  hrefOf(screen: string, parameters?: Parameters): string;
  /** Goes there, as a link does. Somebody with unsaved edits is asked first. */
  go(screen: string, parameters?: Parameters): void;
  /** Changes parameters of this screen in place; an empty one is taken out. */
  set(parameters: Parameters): void;
  /** As long as `isUnsaved` answers true, leaving needs a confirmation. Answers what takes the guard away. */
  guard(isUnsaved: () => boolean): () => void;
}

type Parameters = Readonly<Record<string, string | undefined>>;

const BASE = "/console";
const QUESTION = "There are edits that are not applied. They stay in this tab. Leave the screen?";

/** Follows the address bar of this window. */
export function createRouter(page: Window): Router {
  const place = signal(readPlace(page.location));
  const guards = new Set<() => boolean>();
  const isFree = (): boolean => [...guards].every((isUnsaved) => !isUnsaved()) || page.confirm(QUESTION);
  const show = (href: string, how: "pushState" | "replaceState"): void => {
    page.history[how](undefined, "", href);
    place.value = readPlace(page.location);
  };
  page.addEventListener("popstate", () => (place.value = readPlace(page.location)));
  page.addEventListener("beforeunload", (event) => {
    if ([...guards].some((isUnsaved) => isUnsaved())) event.preventDefault();
  });
  const parameter = (name: string): string | undefined => place.value.parameters.get(name);
  const hrefOf = (screen: string, parameters: Parameters = {}): string =>
    write(screen, { tenant: parameter("tenant"), ...parameters });
  return {
    place,
    parameter,
    hrefOf,
    go(screen, parameters) {
      if (screen !== place.value.screen && !isFree()) return;
      show(hrefOf(screen, parameters), "pushState");
      page.scrollTo(0, 0);
    },
    set(parameters) {
      show(write(place.value.screen, { ...Object.fromEntries(place.value.parameters), ...parameters }), "replaceState");
    },
    guard(isUnsaved) {
      guards.add(isUnsaved);
      return () => void guards.delete(isUnsaved);
    },
  };
}

function readPlace({ pathname, search }: Location): Place {
  const [screen = ""] = pathname.slice(BASE.length + 1).split("/");
  const parameters = new Map(new URLSearchParams(search));
  // Anybody can make a link: what it calls a tenant comes into lines for a shell, and into paths.
  if (!isName(parameters.get("tenant") ?? "")) parameters.delete("tenant");
  return { screen: decodeText(screen), parameters };
}

/** The text as it stands where it is not well encoded: there is no such screen. */
function decodeText(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function write(screen: string, parameters: Parameters): string {
  const present = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== "");
  const query = new URLSearchParams(present as [string, string][]).toString();
  return `${BASE}/${encodeURIComponent(screen)}${query === "" ? "" : `?${query}`}`;
}
