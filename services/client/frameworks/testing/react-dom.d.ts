declare module "react-dom/client" {
  import type { ReactNode } from "react";

  /** As far as the page uses it. */
  export function createRoot(container: Element): { render(node: ReactNode): void; unmount(): void };
}
