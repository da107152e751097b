import { useEffect, useState } from "preact/hooks";
import { useConsole } from "../context/console-context.ts";
import { Button } from "../parts/button.tsx";
import { Link } from "../parts/link.tsx";
import type { ScreenEntry } from "../screens.ts";
import { TenantPicker } from "./tenant-picker.tsx";

const GROUPS = ["Ask", "Running", "Rules", "Service"] as const;

interface NavigationProps {
  readonly screens: readonly ScreenEntry[];
  readonly current: string | undefined;
}

/** The way to every screen. Where there is little room it opens from a button. */
export function Navigation({ screens, current }: NavigationProps) {
  const { session, router } = useConsole();
  const [isOpen, setOpen] = useState(false);
  const who = session.who.value;
  const place = router.place.value;
  useEffect(() => setOpen(false), [place.screen]);
  return (
    <header class="side" data-open={isOpen} onKeyDown={(event) => event.key === "Escape" && setOpen(false)}>
      <div class="side-top">
        <Mark />
        <button type="button" class="button menu" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          Menu
        </button>
      </div>
      <div class="side-rest">
        <TenantPicker />
        <nav aria-label="Screens">
          {GROUPS.map((group) => (
            <NavigationGroup
              key={group}
              group={group}
              current={current}
              screens={screens.filter((each) => each.group === group)}
            />
          ))}
        </nav>
        <div class="side-foot">
          <span class="quiet">{who?.kind === "person" ? who.subject : "operator"}</span>
          <Button kind="quiet" onClick={() => session.logOut()}>
            Log out
          </Button>
        </div>
      </div>
    </header>
  );
}

function NavigationGroup({ group, screens, current }: NavigationProps & { readonly group: string }) {
  if (screens.length === 0) return null;
  const id = `group-${group.toLowerCase()}`;
  return (
    <>
      <p class="side-group" id={id}>
        {group}
      </p>
      <ul aria-labelledby={id}>
        {screens.map(({ name, title }) => (
          <li key={name}>
            <Link to={name} isCurrent={name === current}>
              {title}
            </Link>
          </li>
        ))}
      </ul>
    </>
  );
}

/** The name of the product with its mark. */
export function Mark() {
  return (
    <span class="mark">
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <path d="M5 8h22M5 24h22M10 8v9m6-9v16m6-16v9" />
      </svg>
      Sluice
    </span>
  );
}
