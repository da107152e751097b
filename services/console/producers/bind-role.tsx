import { useState } from "preact/hooks";
import { useConsole } from "../context/console-context.ts";
import { tenantPath } from "../http/api-client.ts";
import { Field } from "../parts/field.tsx";
import { Form } from "../parts/form.tsx";

/** Gives a new key the role by which it may publish; policy gives it nothing by itself. */
export function BindRole({ tenant, id }: { readonly tenant: string; readonly id: string }) {
  const { api, announce } = useConsole();
  const [role, setRole] = useState("");
  const [bound, setBound] = useState<string>();
  if (bound !== undefined) return <p class="hint">Policy has given it the role {bound}.</p>;
  const bind = async (): Promise<void> => {
    const body = JSON.stringify({ roles: [role.trim()] });
    await api.send(tenantPath(tenant, "subjects", id, "roles"), { method: "PUT", body });
    announce(`${id} has the role ${role.trim()}.`);
    setBound(role.trim());
  };
  return (
    <Form
      action="Give it the role"
      kind="plain"
      label="Its role"
      isLine
      isDisabled={role.trim() === ""}
      onSubmit={bind}
    >
      <Field
        label="Role that lets it publish"
        value={role}
        onInput={setRole}
        hint="A role of the policy with a permission such as order:publish; without one it may publish nothing"
        isMono
      />
    </Form>
  );
}
