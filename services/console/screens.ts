import type { ComponentType } from "preact";

/** A screen of the console: its place in the navigation, and the chunk that holds it. */
export interface ScreenEntry {
  /** Its segment of the address. */
  readonly name: string;
  readonly title: string;
  readonly group: "Ask" | "Running" | "Rules" | "Service";
  /** Operators alone see it. */
  readonly isForOperators?: boolean;
  /** It shows the service as a whole: no tenant has to be chosen. */
  readonly isForAllTenants?: boolean;
  readonly load: () => Promise<ComponentType>;
}

/** All screens, in the order of the navigation. */
export const SCREENS: readonly ScreenEntry[] = [
  {
    name: "why",
    title: "Why",
    group: "Ask",
    load: async () => (await import("./screens/why/why-screen.tsx")).WhyScreen,
  },
  {
    name: "keys",
    title: "Keys",
    group: "Service",
    isForAllTenants: true,
    load: async () => (await import("./screens/keys/keys-screen.tsx")).KeysScreen,
  },
];
