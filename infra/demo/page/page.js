import { ACCOUNTS } from "./accounts.js";
import { byId, showText } from "./element.js";
import { EventList } from "./event-list.js";
import { EventStream } from "./event-stream.js";
import { LoginForm } from "./login-form.js";
import { RolesPanel } from "./roles-panel.js";
import { rememberShown, shownSince } from "./shown-since.js";
import { serviceAt } from "./services.js";
import { Session } from "./session.js";
import { TopicPicker } from "./topic-picker.js";

const { authPort, policyPort, natsPort } = document.body.dataset;
const DEFAULT_NATS_PORT = "4222";

const session = new Session(serviceAt(authPort));
const list = new EventList();
const stream = new EventStream({
  renew: () => session.refresh(),
  on: {
    changed: scheduleRender,
    received: (event, id) => list.add(event, id),
    noticed: tellNotice,
    restored: (topics) => picker.choose(topics),
    signedOut: showLogin,
  },
});
const picker = new TopicPicker(() => stream.choose(picker.topics));
const roles = new RolesPanel(serviceAt(policyPort), session);
const loginForm = new LoginForm(async ({ tenant, name }, password) => {
  await session.logIn(tenant, name, password);
  showDesk();
});

/** Events of the last seconds, the present one first. */
const perSecond = [0, 0, 0];
let receivedBefore = 0;
let frame;

byId("cut").addEventListener("click", () => stream.cut());
byId("logout").addEventListener("click", () => void logOut());
byId("ask-again").addEventListener("click", () => void resume());
addEventListener("pagehide", () => rememberShown(session.user, list.shownSince));
setInterval(tick, 1_000);
await resume();

/** Goes on with the session of the cookies, where there is one. */
async function resume() {
  showOnly("boot");
  try {
    if (await session.refresh()) showDesk();
    else showLogin("");
  } catch (error) {
    byId("silent-reason").textContent = error.message;
    showOnly("silent");
  }
}

async function logOut() {
  stream.close();
  try {
    await session.logOut();
    showLogin("");
  } catch (error) {
    openStream();
    tellNotice(`you are still logged in: ${error.message}`, "gap");
  }
}

function showDesk() {
  const { name, tenant } = session.user;
  document.title = `${name} · Sluice demo`;
  byId("user-name").textContent = name;
  byId("user-tenant").textContent = tenant;
  const command = `sluice demo publish --rate 20${tenant === "demo" ? "" : ` --tenant ${tenant}`}`;
  const moved = natsPort === DEFAULT_NATS_PORT ? "" : `NATS_PORT=${natsPort} `;
  byId("publish-command").textContent = `${moved}npx ${command}`;
  byId("docker-command").textContent = `docker compose run --rm tools ${command}`;
  showOnly("desk");
  byId("desk").focus();
  openStream();
  void roles.open(ACCOUNTS.filter((each) => each.tenant === tenant && each.name !== name).map((each) => each.name));
}

function showLogin(reason) {
  document.title = "Sluice demo";
  stream.close();
  roles.close();
  list.clear();
  list.received = 0;
  showText(byId("notice"), "");
  showOnly("login");
  loginForm.open(reason);
}

function showOnly(part) {
  for (const each of ["boot", "silent", "login", "desk"]) byId(each).hidden = each !== part;
  byId("user").hidden = part !== "desk";
}

/**
 * Opens the stream of the topics that every tab begins with; the edge knows what this tab has made of them. It begins with the events
 * that the tab showed before it was loaded again, or with the last minute's.
 */
function openStream() {
  picker.choose(picker.choice);
  stream.open(picker.topics, shownSince(session.user));
}

function tellNotice(text, kind) {
  list.note(text, kind);
  const notice = byId("notice");
  notice.dataset.kind = kind;
  showText(notice, text);
}

function tick() {
  perSecond.unshift(list.received - receivedBefore);
  perSecond.pop();
  receivedBefore = list.received;
  scheduleRender();
}

/** However many events come, the page is drawn once per frame of the screen. */
function scheduleRender() {
  frame ??= requestAnimationFrame(render);
}

function render() {
  frame = undefined;
  const state = byId("state");
  if (state.dataset.state !== stream.state) {
    state.dataset.state = stream.state;
    state.textContent = stream.state;
  }
  if (byId("detail").textContent !== stream.detail) showText(byId("detail"), stream.detail);
  byId("received").textContent = list.received.toLocaleString("en");
  byId("rate").textContent = Math.round(perSecond.reduce((sum, each) => sum + each) / perSecond.length);
  byId("expires-in").textContent = stream.expiresAt === undefined ? "–" : clockOf(stream.expiresAt - Date.now());
  byId("last-id").textContent = stream.lastEventId || "–";
  byId("connection-id").textContent = stream.connectionId || "–";
  byId("cut").disabled = stream.state !== "live";
  picker.showGranted(stream.granted);
}

/** `11:59:07`, or `4:07` below an hour. */
function clockOf(ms) {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, index) => (index === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}
