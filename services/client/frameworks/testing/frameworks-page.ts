import type { FakeEdge } from "../../testing/fake-edge.ts";

/** What the test calls in the page. */
export interface FrameworksPage {
  readonly edge: FakeEdge;
  /** What each component has rendered last: its state, and the events that it has got. */
  rendered(): Record<string, { readonly state: string; readonly events: readonly unknown[] }>;
  mount(name: "react" | "vue" | "svelte"): void;
  show(name: string, topic: string): void;
  unmount(name: string): void;
}
