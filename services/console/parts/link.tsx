import type { ComponentChildren } from "preact";
import { useConsole } from "../context/console-context.ts";

interface LinkProps {
  readonly to: string;
  readonly parameters?: Readonly<Record<string, string | undefined>>;
  readonly children: ComponentChildren;
  readonly class?: string;
  readonly isCurrent?: boolean;
}

/** A link to a screen. It has a real address: it opens in a new tab, and can be copied. */
export function Link({ to, parameters, children, class: name, isCurrent = false }: LinkProps) {
  const { router } = useConsole();
  return (
    <a
      class={name}
      href={router.hrefOf(to, parameters)}
      aria-current={isCurrent ? "page" : undefined}
      onClick={(event) => {
        const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
        if (!isPlain) return;
        event.preventDefault();
        router.go(to, parameters);
      }}
    >
      {children}
    </a>
  );
}
