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
    name: "tail",
    title: "Live tail",
    group: "Running",
    load: async () => (await import("./screens/tail/tail-screen.tsx")).TailScreen,
  },
  {
    name: "visibility",
    title: "Who sees what",
    group: "Ask",
    load: async () => (await import("./screens/visibility/visibility-screen.tsx")).VisibilityScreen,
  },
  {
    name: "connections",
    title: "Connections",
    group: "Running",
    load: async () => (await import("./screens/connections/connections-screen.tsx")).ConnectionsScreen,
  },
  {
    name: "subscriptions",
    title: "Subscriptions",
    group: "Running",
    load: async () => (await import("./screens/subscriptions/subscriptions-screen.tsx")).SubscriptionsScreen,
  },
  {
    name: "people",
    title: "People and sessions",
    group: "Running",
    load: async () => (await import("./screens/people/people-screen.tsx")).PeopleScreen,
  },
  {
    name: "audit",
    title: "Audit",
    group: "Running",
    load: async () => (await import("./screens/audit/audit-screen.tsx")).AuditScreen,
  },
  {
    name: "nodes",
    title: "Nodes",
    group: "Running",
    isForOperators: true,
    isForAllTenants: true,
    load: async () => (await import("./screens/nodes/nodes-screen.tsx")).NodesScreen,
  },
  {
    name: "clients",
    title: "Client health",
    group: "Running",
    isForOperators: true,
    isForAllTenants: true,
    load: async () => (await import("./screens/clients/clients-screen.tsx")).ClientsScreen,
  },
  {
    name: "policy",
    title: "Policy",
    group: "Rules",
    load: async () => (await import("./screens/policy/policy-screen.tsx")).PolicyScreen,
  },
  {
    name: "tenants",
    title: "Tenants",
    group: "Service",
    isForOperators: true,
    isForAllTenants: true,
    load: async () => (await import("./screens/tenants/tenants-screen.tsx")).TenantsScreen,
  },
  {
    name: "health",
    title: "Health",
    group: "Service",
    isForOperators: true,
    isForAllTenants: true,
    load: async () => (await import("./screens/health/health-screen.tsx")).HealthScreen,
  },
  {
    name: "keys",
    title: "Keys",
    group: "Service",
    isForAllTenants: true,
    load: async () => (await import("./screens/keys/keys-screen.tsx")).KeysScreen,
  },
];
