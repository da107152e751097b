import { createElement, StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { createApp, defineComponent, h, ref } from "vue";
import { useStream as useInReact } from "../react.ts";
import { streamStore } from "../svelte.ts";
import { useStream as useInVue } from "../vue.ts";
import type { ConnectOptions } from "../../options.ts";
import { createFakeEdge } from "../../testing/fake-edge.ts";
import type { FrameworksPage } from "./frameworks-page.ts";

/** A component under test: the topics that it shows, and its end. */
interface Mounted {
  show(topic: string): void;
  unmount(): void;
}

const edge = createFakeEdge();
globalThis.fetch = edge.fetch;

const rendered: ReturnType<FrameworksPage["rendered"]> = {};
const mounted = new Map<string, Mounted>();

function optionsFor(topic: string): ConnectOptions {
  return {
    url: "https://edge.test",
    topics: [topic],
    token: "secret",
    onGap: "ignore",
    onReset: "ignore",
    onDegraded: "ignore",
  };
}

function mountReact(): Mounted {
  let setTopic: ((topic: string) => void) | undefined;
  const events: unknown[] = [];
  const Orders = (): string => {
    const [topic, set] = useState("order.created.*");
    setTopic = set;
    const { state } = useInReact(optionsFor(topic), ({ data }) => events.push(data));
    rendered["react"] = { state: state.name, events };
    return state.name;
  };
  const root = createRoot(document.body.appendChild(document.createElement("div")));
  root.render(createElement(StrictMode, null, createElement(Orders)));
  return { show: (topic) => setTopic?.(topic), unmount: () => root.unmount() };
}

function mountVue(): Mounted {
  const topic = ref("order.created.*");
  const events: unknown[] = [];
  const Orders = defineComponent(() => {
    const { state } = useInVue(
      () => optionsFor(topic.value),
      ({ data }) => events.push(data),
    );
    return () => {
      rendered["vue"] = { state: state.value.name, events };
      return h("p", state.value.name);
    };
  });
  const app = createApp(Orders);
  app.mount(document.body.appendChild(document.createElement("div")));
  return { show: (next) => (topic.value = next), unmount: () => app.unmount() };
}

/** A store's contract is all that Svelte's `$` relies on. */
function mountSvelte(): Mounted {
  const events: unknown[] = [];
  const store = streamStore(optionsFor("order.created.*"), ({ data }) => events.push(data));
  const unsubscribe = store.subscribe(({ name }) => (rendered["svelte"] = { state: name, events }));
  return { show: (topic) => void store.stream?.subscribe([topic]), unmount: unsubscribe };
}

const MOUNTS = { react: mountReact, vue: mountVue, svelte: mountSvelte };

const page: FrameworksPage = {
  edge,
  rendered: () => rendered,
  mount: (name) => void mounted.set(name, MOUNTS[name]()),
  show: (name, topic) => mounted.get(name)?.show(topic),
  unmount: (name) => mounted.get(name)?.unmount(),
};
Object.assign(globalThis, { frameworks: page });
