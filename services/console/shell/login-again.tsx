import { useConsole } from "../context/console-context.ts";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import type { Who } from "../session/session.ts";
import { LoginForm } from "./login-form.tsx";

/** Stands above the screen when the login has run out. What was typed on the screen stays under it. */
export function LoginAgain({ who }: { readonly who: Who }) {
  const { session } = useConsole();
  return (
    <Dialog title="Log in again">
      <p>The login has run out, or was ended. What you typed is kept.</p>
      <LoginForm again={who} />
      <Button kind="quiet" onClick={() => session.logOut()}>
        Log in as somebody else
      </Button>
    </Dialog>
  );
}
