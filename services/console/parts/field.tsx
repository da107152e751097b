import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

type FieldType = "text" | "password" | "datetime-local" | "number" | "search";

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly hint?: ComponentChildren;
  /** What is wrong with the value. */
  readonly fault?: string | undefined;
  readonly type?: FieldType;
  readonly isRequired?: boolean;
  readonly isDisabled?: boolean;
  readonly isMono?: boolean;
  readonly autoComplete?: "username" | "current-password";
  readonly placeholder?: string;
  /** What may be chosen; anything else may be typed. */
  readonly suggestions?: readonly string[];
}

/** A line of text with its label, hint and fault. */
export function Field(props: FieldProps) {
  const { label, value, onInput, hint, fault, type = "text", isMono = false, suggestions } = props;
  const id = useId();
  const described = [hint === undefined ? "" : `${id}-hint`, fault === undefined ? "" : `${id}-fault`].join(" ").trim();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        class={isMono ? "mono" : undefined}
        // The types of preact want one literal for each kind of input.
        {...({ type } as object)}
        step={type === "datetime-local" ? 1 : undefined}
        value={value}
        required={props.isRequired}
        disabled={props.isDisabled}
        placeholder={props.placeholder}
        autocomplete={props.autoComplete ?? "off"}
        autocapitalize="none"
        spellcheck={false}
        list={suggestions === undefined ? undefined : `${id}-list`}
        aria-invalid={fault === undefined ? undefined : true}
        aria-describedby={described === "" ? undefined : described}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      {suggestions === undefined ? null : (
        <datalist id={`${id}-list`}>
          {suggestions.slice(0, 500).map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
      )}
      <FieldNotes id={id} hint={hint} fault={fault} />
    </div>
  );
}

interface SelectProps {
  readonly label: string;
  readonly value: string;
  readonly options: readonly { readonly value: string; readonly text: string }[];
  readonly onChange: (value: string) => void;
  readonly isDisabled?: boolean;
  readonly hint?: ComponentChildren;
}

/** A choice of few. */
export function Select({ label, value, options, onChange, isDisabled = false, hint }: SelectProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value}
        disabled={isDisabled}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        onChange={(event) => onChange(event.currentTarget.value)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
      <FieldNotes id={id} hint={hint} fault={undefined} />
    </div>
  );
}

interface FieldNotesProps {
  readonly id: string;
  readonly hint: ComponentChildren;
  readonly fault: string | undefined;
}

function FieldNotes({ id, hint, fault }: FieldNotesProps) {
  return (
    <>
      {hint === undefined ? null : (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {fault === undefined ? null : (
        <p class="fault" id={`${id}-fault`}>
          {fault}
        </p>
      )}
    </>
  );
}
