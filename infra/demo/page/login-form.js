import { ACCOUNTS } from "./accounts.js";
import { byId, element, showText } from "./element.js";

/** The login form. `logIn(account, password)` is called when it is sent, and what it throws is told. */
export class LoginForm {
  constructor(logIn) {
    byId("accounts").append(...ACCOUNTS.map(accountChoice));
    this.#linkSideBySide();
    byId("login-form").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit(logIn);
    });
  }

  /** Shows the form, with a reason where there is one. */
  open(reason) {
    byId("login").hidden = false;
    showText(byId("login-error"), reason);
    document.querySelector("#accounts input:checked").focus();
  }

  close() {
    byId("login").hidden = true;
  }

  async #submit(logIn) {
    const { value: name } = document.querySelector("#accounts input:checked");
    const submit = byId("login-submit");
    submit.disabled = true;
    showText(byId("login-error"), "");
    try {
      const account = ACCOUNTS.find((each) => each.name === name);
      await logIn(account, byId("password").value);
    } catch (error) {
      showText(byId("login-error"), error.message);
    } finally {
      submit.disabled = false;
    }
  }

  /** Hosts keep cookies apart: one browser can be several people at once. */
  #linkSideBySide() {
    if (!/(^|\.)localhost$/.test(location.hostname)) return;
    const links = ACCOUNTS.filter(({ tenant }) => tenant === "demo").map(({ name }) =>
      element("a", { href: `//${name}.localhost:${location.port}/demo`, target: "_blank", textContent: name }),
    );
    byId("side-by-side-links").append(...links);
    byId("side-by-side").hidden = false;
  }
}

function accountChoice({ name, role }, index) {
  const host = location.hostname.split(".")[0];
  const isHost = ACCOUNTS.some((account) => account.name === host);
  const choice = { type: "radio", name: "account", value: name, id: `account-${name}` };
  const checked = isHost ? name === host : index === 0;
  return element("label", { className: "choice" }, [
    element("input", { ...choice, checked }),
    element("strong", { textContent: name }),
    element("span", { className: "quiet", textContent: role }),
  ]);
}
