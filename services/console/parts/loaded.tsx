import type { ComponentChildren } from "preact";
import type { Query } from "../http/use-query.ts";
import { ErrorNote } from "./error-note.tsx";

interface LoadedProps<Value> {
  readonly query: Query<Value>;
  /** What is read, for screen readers: "the policy". */
  readonly what: string;
  readonly children: (value: Value) => ComponentChildren;
}

/** Shows what a query read; before that a skeleton, and instead of it the failure with a way to try again. */
export function Loaded<Value>({ query, what, children }: LoadedProps<Value>) {
  switch (query.state) {
    case "loading":
      return (
        <div class="skeleton" role="status" aria-label={`Reading ${what}`}>
          <span />
          <span />
          <span />
        </div>
      );
    case "failed":
      return <ErrorNote error={query.error} onRetry={query.reload} />;
    case "ready":
      return (
        <>
          {query.stale === undefined ? null : (
            <p class="note warn" role="status">
              This is what was read before: {query.stale.message}.
            </p>
          )}
          {children(query.value)}
        </>
      );
  }
}
