import { useState } from "preact/hooks";
import { Field } from "../parts/field.tsx";
import { Form } from "../parts/form.tsx";

/** Makes a key by its name. */
export function MakeKey({ onMake }: { readonly onMake: (name: string) => Promise<void> }) {
  const [name, setName] = useState("");
  const isName = /^[A-Za-z0-9_-]{1,40}$/.test(name);
  return (
    <Form
      action="Make a key"
      kind="plain"
      label="A new key"
      isLine
      isDisabled={!isName}
      onSubmit={async () => {
        await onMake(name);
        setName("");
      }}
    >
      <Field
        label="Name of the producer"
        value={name}
        onInput={setName}
        isMono
        fault={name === "" || isName ? undefined : "1 to 40 of A-Z a-z 0-9 _ -"}
      />
    </Form>
  );
}
