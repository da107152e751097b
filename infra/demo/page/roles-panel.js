import { byId, element, showText } from "./element.js";
import { callService } from "./services.js";

const ROLES = ["triager", "maintainer", "security"];

/** Where somebody with `policy:admin` changes the roles of the others in the tenant. */
export class RolesPanel {
  #policyUrl;
  #session;
  /** One change after the other: the last one made is the last one stored. */
  #turn = Promise.resolve();
  /** What `open` is about; another one, or `close`, makes it stale. */
  #opening;

  constructor(policyUrl, session) {
    this.#policyUrl = policyUrl;
    this.#session = session;
  }

  /** Shows the panel for these people, unless policy refuses to say what they are. */
  async open(people) {
    this.close();
    const opening = (this.#opening = Symbol("opening"));
    const rows = [];
    try {
      // One after the other: to somebody who may not look, policy says so once.
      for (const person of people) rows.push(this.#personRow(person, await this.#call(person)));
    } catch {
      return;
    }
    if (rows.length === 0 || this.#opening !== opening) return;
    byId("people").replaceChildren(...rows);
    byId("roles").hidden = false;
  }

  close() {
    this.#opening = undefined;
    byId("roles").hidden = true;
    byId("people").replaceChildren();
    tell("");
  }

  #personRow(person, bound) {
    const boxes = ROLES.map((role) =>
      element("input", { type: "checkbox", value: role, id: `role-${person}-${role}` }),
    );
    const labels = boxes.map((box) => element("label", { className: "chip" }, [box, box.value]));
    const source = element("span", { className: "quiet", id: `source-${person}` });
    const reset = element("button", { type: "button", className: "plain", textContent: "back to the document" });
    reset.id = `reset-${person}`;
    /** Lets go of the controls; without `present`, which could not be read, it shows what it did. */
    const show = (present) => {
      setPending(undefined);
      if (present === undefined) return;
      const { roles, source: from } = present;
      for (const box of boxes) box.checked = roles.includes(box.value);
      const what = roles.length === 0 ? "no role, sees nothing" : roles.join(", ");
      source.textContent = from === "http" ? `${what} · set here` : `${what} · by the document`;
      reset.hidden = from !== "http";
    };
    const setPending = (control) => {
      fieldset.setAttribute("aria-busy", String(control !== undefined));
      for (const each of [...boxes, reset]) each.disabled = control !== undefined;
      for (const [index, box] of boxes.entries()) labels[index].toggleAttribute("data-pending", box === control);
    };
    for (const box of boxes) {
      box.addEventListener("change", () => {
        const roles = boxes.filter(({ checked }) => checked).map(({ value }) => value);
        // It shows what is in force, and that is not yet what was chosen.
        box.checked = !box.checked;
        setPending(box);
        this.#change(person, "PUT", { roles }, show);
      });
    }
    reset.addEventListener("click", () => {
      setPending(reset);
      this.#change(person, "DELETE", undefined, show);
    });
    const fieldset = element("fieldset", { id: `person-${person}` }, [
      element("legend", { textContent: person }),
      element("div", { className: "chips" }, labels),
      element("p", { className: "source" }, [source, reset]),
    ]);
    show(bound);
    return fieldset;
  }

  #change(person, method, body, show) {
    const change = async () => {
      tell(`${person}: asking policy …`);
      try {
        const { version } = await this.#call(person, { path: "/roles", method, body });
        tell(`version ${version} of the policy is in force`);
      } catch (error) {
        tell(`nothing was changed: ${error.message}`);
      }
      show(await this.#call(person));
    };
    this.#turn = this.#turn.then(change).catch((error) => {
      show(undefined);
      tell(`what ${person} may do now is not known: ${error.message}`);
    });
  }

  async #call(person, { path = "", method, body } = {}) {
    const { tenant } = this.#session.user;
    const token = await this.#session.accessToken();
    const url = `${this.#policyUrl}/v1/tenants/${tenant}/subjects/${encodeURIComponent(person)}${path}`;
    return callService(url, { method, body, token });
  }
}

function tell(text) {
  showText(byId("roles-status"), text);
}
