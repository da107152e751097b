// The search.
const MAX_FOUND = 12;

const query = document.getElementById("query");
const found = document.getElementById("found");
const count = document.getElementById("count");

/** The index comes with the first look at the search: a page without a search loads none of it. */
let loading;
function load() {
  loading ??= Promise.all([import("{{MINISEARCH}}"), fetch("{{INDEX}}").then((answer) => answer.text())])
    .then(([{ default: MiniSearch }, text]) =>
      MiniSearch.loadJSON(text, { fields: ["title", "heading", "text"], storeFields: ["title", "heading"] }),
    )
    .catch(() => {
      loading = undefined;
    });
  return loading;
}

let selected = -1;
const options = () => [...found.children];

async function search() {
  const text = query.value.trim();
  const index = text === "" ? undefined : await load();
  if (text !== query.value.trim()) return;
  const results = index?.search(text, {
    prefix: true,
    fuzzy: 0.15,
    combineWith: "AND",
    boost: { title: 4, heading: 3 },
  });
  show(results?.slice(0, MAX_FOUND) ?? [], text);
}

function show(results, text) {
  found.replaceChildren(...results.map(toOption));
  select(results.length > 0 ? 0 : -1);
  const isOpen = results.length > 0;
  found.hidden = !isOpen;
  query.setAttribute("aria-expanded", String(isOpen));
  count.textContent = text === "" ? "" : isOpen ? `${results.length} found` : "Nothing found";
  count.classList.toggle("unseen", isOpen || text === "");
}

function toOption({ id, title, heading }, place) {
  const option = document.createElement("li");
  option.id = `found-${place}`;
  option.role = "option";
  option.dataset.url = id;
  option.append(heading);
  if (heading !== title) option.append(Object.assign(document.createElement("small"), { textContent: title }));
  return option;
}

function select(place) {
  selected = place;
  for (const [index, option] of options().entries()) option.setAttribute("aria-selected", String(index === place));
  const option = options()[place];
  if (option === undefined) return query.removeAttribute("aria-activedescendant");
  query.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

function close() {
  show([], "");
}

function follow(option) {
  if (option === undefined) return;
  close();
  query.blur();
  location.assign(option.dataset.url);
}

query.addEventListener("focus", () => void load());
query.addEventListener("input", () => void search());
query.addEventListener("keydown", (event) => {
  const last = options().length - 1;
  if (event.key === "ArrowDown") select(selected >= last ? 0 : selected + 1);
  else if (event.key === "ArrowUp") select(selected <= 0 ? last : selected - 1);
  else if (event.key === "Enter") follow(options()[selected]);
  else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
});
found.addEventListener("click", ({ target }) => follow(target.closest("li")));
document.addEventListener("click", ({ target }) => {
  if (!document.getElementById("search").contains(target)) close();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target === query) return;
  event.preventDefault();
  query.focus();
});
