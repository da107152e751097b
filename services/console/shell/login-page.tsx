import { useConsole } from "../context/console-context.ts";
import { LoginForm } from "./login-form.tsx";
import { Mark } from "./navigation.tsx";

/** What somebody sees who is not logged in. */
export function LoginPage() {
  const { settings } = useConsole();
  return (
    <main class="login">
      <div class="login-card">
        <Mark />
        <h1>Console</h1>
        <LoginForm />
        {settings.demo === undefined ? null : (
          <p class="quiet">
            This is the demo: the forms are filled in for <strong>{settings.demo.username}</strong>, who may administer
            the tenant <strong>{settings.demo.tenant}</strong>, and with the token of the operator, who may do
            everything.
          </p>
        )}
      </div>
    </main>
  );
}
