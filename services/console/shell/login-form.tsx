import { useState } from "preact/hooks";
import { useConsole } from "../context/console-context.ts";
import { Field } from "../parts/field.tsx";
import { Form } from "../parts/form.tsx";
import type { Who } from "../session/session.ts";

/** Logs in a person through auth, or an operator by token. `again` is who was logged in before, and has to be. */
export function LoginForm({ again }: { readonly again?: Who }) {
  const { settings } = useConsole();
  const mayBePerson = settings.authUrl !== undefined;
  const [kind, setKind] = useState<Who["kind"]>(again?.kind ?? (mayBePerson ? "person" : "operator"));
  return (
    <>
      {mayBePerson && again === undefined ? (
        <fieldset class="kinds">
          <legend>Log in as</legend>
          <label>
            <input type="radio" name="kind" checked={kind === "person"} onChange={() => setKind("person")} />
            <span>Administrator</span>
          </label>
          <label>
            <input type="radio" name="kind" checked={kind === "operator"} onChange={() => setKind("operator")} />
            <span>Operator</span>
          </label>
        </fieldset>
      ) : null}
      {kind === "operator" ? <OperatorForm /> : <PersonForm again={again?.kind === "person" ? again : undefined} />}
    </>
  );
}

function OperatorForm() {
  const { session, settings } = useConsole();
  const [token, setToken] = useState(settings.demo?.operatorToken ?? "");
  return (
    <Form action="Log in" label="Log in as an operator" onSubmit={() => session.logInAsOperator(token.trim())}>
      <Field
        label="Operator token"
        type="password"
        value={token}
        onInput={setToken}
        isRequired
        isMono
        hint="It is kept in this tab, and gone with it."
      />
    </Form>
  );
}

function PersonForm({ again }: { readonly again: Extract<Who, { kind: "person" }> | undefined }) {
  const { session, settings } = useConsole();
  const [tenant, setTenant] = useState(again?.tenant ?? settings.demo?.tenant ?? "");
  const [username, setUsername] = useState(again?.subject ?? settings.demo?.username ?? "");
  const [password, setPassword] = useState(settings.demo?.password ?? "");
  return (
    <Form
      action="Log in"
      label="Log in as a tenant administrator"
      onSubmit={() => session.logInAsPerson({ tenant: tenant.trim(), username: username.trim(), password })}
    >
      <Field label="Tenant" value={tenant} onInput={setTenant} isRequired isDisabled={again !== undefined} />
      <Field label="User name" value={username} onInput={setUsername} isRequired autoComplete="username" />
      <Field
        label="Password"
        type="password"
        value={password}
        onInput={setPassword}
        isRequired
        autoComplete="current-password"
        hint="The account needs the permission policy:admin."
      />
    </Form>
  );
}
