import { useConsole } from "../../context/console-context.ts";
import { EmptyState } from "../../parts/empty-state.tsx";
import { Page } from "../../parts/page.tsx";

/** The keys that access tokens are signed with. */
export function KeysScreen() {
  const { settings } = useConsole();
  return (
    <Page title="Keys" lead="What access tokens are signed with, as auth publishes it.">
      <EmptyState title="There is no auth to ask">{settings.authUrl}</EmptyState>
    </Page>
  );
}
