import type { ReadonlySignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { useConsole, useTenant } from "../context/console-context.ts";
import { EmptyState } from "../parts/empty-state.tsx";
import { Link } from "../parts/link.tsx";
import { Page } from "../parts/page.tsx";
import type { ScreenEntry } from "../screens.ts";
import { Announced } from "./announced.tsx";
import { LoginAgain } from "./login-again.tsx";
import { LoginPage } from "./login-page.tsx";
import { Navigation } from "./navigation.tsx";
import { ScreenPlace } from "./screen-place.tsx";

interface ShellProps {
  readonly screens: readonly ScreenEntry[];
  readonly announced: ReadonlySignal<string>;
}

/** What stands around every screen: the login before it, the navigation beside it, and the login again above it. */
export function Shell({ screens, announced }: ShellProps) {
  const { session, router } = useConsole();
  const who = session.who.value;
  const seen = screens.filter((each) => who?.kind === "operator" || each.isForOperators !== true);
  const name = router.place.value.screen;
  const screen = seen.find((each) => each.name === name) ?? (name === "" ? seen[0] : undefined);
  useEffect(() => {
    document.title = who === undefined ? "Log in · Sluice" : `${screen?.title ?? "Nothing here"} · Sluice`;
  }, [who, screen]);
  if (who === undefined) return <LoginPage />;
  return (
    <div class="shell">
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <Navigation screens={seen} current={screen?.name} />
      <main id="content" tabIndex={-1}>
        {screen === undefined ? <NothingHere /> : <Chosen key={screen.name} screen={screen} />}
      </main>
      {session.isExpired.value ? <LoginAgain who={who} /> : null}
      <Announced sentence={announced} />
    </div>
  );
}

/** The screen, once there is a tenant for it. Another tenant is another screen: nothing of the first stays. */
function Chosen({ screen }: { readonly screen: ScreenEntry }) {
  const tenant = useTenant();
  if (tenant !== undefined || screen.isForAllTenants === true) {
    return <ScreenPlace key={screen.isForAllTenants === true ? "" : tenant} screen={screen} />;
  }
  return (
    <Page title={screen.title} lead="This screen shows one tenant at a time.">
      <EmptyState title="Choose a tenant">The list of tenants stands at the top of the navigation.</EmptyState>
    </Page>
  );
}

function NothingHere() {
  return (
    <Page title="Nothing here" lead="This address leads to no screen that this login may see.">
      <Link to="">Go to the first screen</Link>
    </Page>
  );
}
