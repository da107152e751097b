import { signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { type Console, ConsoleContext } from "./context/console-context.ts";
import type { ConsoleSettings } from "./context/settings.ts";
import { createApiClient } from "./http/api-client.ts";
import { readProblem, toApiError } from "./http/api-error.ts";
import { createLive } from "./http/live.ts";
import { createRouter } from "./router/router.ts";
import { createAuthClient } from "./session/auth-client.ts";
import { openSession } from "./session/session.ts";
import { SCREENS } from "./screens.ts";
import { Shell } from "./shell/shell.tsx";

const ANNOUNCED_MS = 6_000;

/** The console: makes its parts once, and shows the shell with the screens. */
export function App({ settings }: { readonly settings: ConsoleSettings }) {
  const { parts, announced } = useMemo(() => createParts(settings), [settings]);
  return (
    <ConsoleContext.Provider value={parts}>
      <Shell screens={SCREENS} announced={announced} />
    </ConsoleContext.Provider>
  );
}

const now = (): number => Date.now();

const request: typeof fetch = (...call) => fetch(...call);

function createParts(settings: ConsoleSettings) {
  const announced = signal("");
  const session = openSession({
    storage: sessionStorage,
    auth: settings.authUrl === undefined ? undefined : createAuthClient(settings.authUrl, request, now),
    probe: async (path, token) => {
      const headers = { authorization: `Bearer ${token}` };
      const response = await request(path, { headers, credentials: "omit" }).catch((thrown: unknown) => {
        throw toApiError(thrown);
      });
      if (!response.ok) throw await readProblem(response);
    },
    now,
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const parts: Console = {
    settings,
    session,
    api: createApiClient(session, request),
    live: createLive(session, location.origin),
    router: createRouter(window),
    announce(sentence) {
      clearTimeout(timer);
      announced.value = sentence;
      timer = setTimeout(() => (announced.value = ""), ANNOUNCED_MS);
    },
  };
  return { parts, announced };
}
