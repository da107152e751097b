import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { toApiError, type ApiError } from "../http/api-error.ts";
import { ErrorNote } from "../parts/error-note.tsx";
import type { ScreenEntry } from "../screens.ts";

type Loading = "loading" | { readonly screen: ComponentType } | { readonly error: ApiError };

/** Loads a screen's chunk and shows it; a chunk that does not come can be asked for again. */
export function ScreenPlace({ screen }: { readonly screen: ScreenEntry }) {
  const [loading, setLoading] = useState<Loading>("loading");
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let isWanted = true;
    screen.load().then(
      (loaded) => isWanted && setLoading({ screen: loaded }),
      (thrown: unknown) => isWanted && setLoading({ error: toApiError(thrown) }),
    );
    return () => {
      isWanted = false;
    };
  }, [screen, attempt]);
  useEffect(() => {
    // A click in the navigation leads on: to the heading of what it led to.
    if (typeof loading === "object") document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true });
  }, [loading]);
  if (loading === "loading") return <div class="skeleton" role="status" aria-label={`Opening ${screen.title}`} />;
  if ("error" in loading) return <ErrorNote error={loading.error} onRetry={() => setAttempt(attempt + 1)} />;
  const Shown = loading.screen;
  return <Shown />;
}
