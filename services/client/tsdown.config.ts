import { defineConfig } from "tsdown";

/** Browsers of the last three years, and Node. */
const target = ["chrome119", "firefox120", "safari17.1", "node20"];

// `npm run client` says where the result goes.
export default defineConfig([
  {
    entry: {
      client: "client.ts",
      react: "frameworks/react.ts",
      vue: "frameworks/vue.ts",
      svelte: "frameworks/svelte.ts",
      testing: "testing/fake-edge.ts",
    },
    platform: "neutral",
    target,
    dts: true,
    fixedExtension: false,
    clean: false,
    logLevel: "warn",
  },
  // One file with all that it needs, for pages that are built by nothing.
  {
    entry: { "client.min": "client.ts" },
    platform: "neutral",
    target,
    deps: { alwaysBundle: [/./] },
    minify: true,
    dts: false,
    fixedExtension: false,
    clean: false,
    logLevel: "warn",
  },
]);
