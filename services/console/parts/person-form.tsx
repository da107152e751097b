import { useState } from "preact/hooks";
import { useConsole } from "../context/console-context.ts";
import { usePeople } from "../context/use-people.ts";
import { Button } from "./button.tsx";
import { Field } from "./field.tsx";

interface PersonFormProps {
  /** What the form is for, for screen readers. */
  readonly label: string;
  /** The words of its button. */
  readonly action: string;
  /** Whoever stands in the address; empty for nobody. Give it as the key, too: what is typed begins with it. */
  readonly subject: string;
  /** Nobody may be asked for, too: the list then has everybody. */
  readonly isFilter?: boolean;
  /** Parameters of the address that go when somebody else is asked for. */
  readonly clears?: readonly string[];
}

/** Asks for a person, who then stands in the address as `subject`. */
export function PersonForm({ label, action, subject, isFilter = false, clears = [] }: PersonFormProps) {
  const { router } = useConsole();
  const people = usePeople();
  const [typed, setTyped] = useState(subject);
  const show = (person: string): void =>
    router.set({ subject: person, ...Object.fromEntries(clears.map((name) => [name, ""])) });
  const asked = typed.trim();
  return (
    <form
      class="form line"
      aria-label={label}
      onSubmit={(event) => {
        event.preventDefault();
        show(asked);
      }}
    >
      <Field label="Person" value={typed} onInput={setTyped} suggestions={people} />
      <Button
        submits
        kind={isFilter ? "plain" : "primary"}
        isDisabled={asked === subject || (asked === "" && !isFilter)}
      >
        {action}
      </Button>
      {isFilter && subject !== "" ? (
        <Button kind="quiet" onClick={() => show("")}>
          Show all
        </Button>
      ) : null}
    </form>
  );
}
