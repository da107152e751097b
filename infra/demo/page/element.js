/** The page's element with this id. */
export function byId(id) {
  return document.getElementById(id);
}

/**
 * A new element. Text is only ever set as text: what events hold is never markup. `data` becomes `data-*` attributes, other
 * properties are set on the element.
 */
export function element(tag, { data = {}, ...properties } = {}, children = []) {
  const made = Object.assign(document.createElement(tag), properties);
  Object.assign(made.dataset, data);
  made.append(...children);
  return made;
}

/** Shows a text, or hides the element where there is none. */
export function showText(target, text) {
  target.textContent = text;
  target.hidden = text === "";
}
