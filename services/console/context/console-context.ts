import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { ApiClient } from "../http/api-client.ts";
import type { Live } from "../http/live.ts";
import type { Router } from "../router/router.ts";
import type { Session } from "../session/session.ts";
import type { ConsoleSettings } from "./settings.ts";

/** What every screen has at hand. */
export interface Console {
  readonly settings: ConsoleSettings;
  readonly session: Session;
  readonly api: ApiClient;
  readonly live: Live;
  readonly router: Router;
  /** Says a sentence to screen readers, and shows it for some seconds. */
  readonly announce: (sentence: string) => void;
}

/** Hands the console's parts to all components below it. */
export const ConsoleContext = createContext<Console | undefined>(undefined);

/** The console's parts; only components below the context may ask. */
export function useConsole(): Console {
  const value = useContext(ConsoleContext);
  if (value === undefined) throw new Error("this component stands outside the console");
  return value;
}

/** The tenant that is looked at: a person's own, an operator's choice; undefined until an operator has chosen one. */
export function useTenant(): string | undefined {
  const { session, router } = useConsole();
  const who = session.who.value;
  return who?.kind === "person" ? who.tenant : router.parameter("tenant");
}
