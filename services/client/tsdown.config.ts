import { defineConfig, type UserConfig } from "tsdown";

/** Browsers of the last three years, and Node. */
const target = ["chrome119", "firefox120", "safari17.1", "node20"];

const shared = {
  platform: "neutral",
  target,
  fixedExtension: false,
  clean: false,
  logLevel: "warn",
} satisfies UserConfig;

// `npm run client` says where the result goes.
export default defineConfig([
  {
    ...shared,
    entry: {
      client: "client.ts",
      regions: "regions/connect-regions.ts",
      react: "frameworks/react.ts",
      vue: "frameworks/vue.ts",
      svelte: "frameworks/svelte.ts",
      testing: "testing/fake-edge.ts",
    },
    // Each file says its types by itself: no program has to be checked for them.
    dts: { generator: "oxc" },
  },
  // One file with all that it needs, for pages that nothing is bundled for.
  {
    ...shared,
    entry: { "client.min": "client.ts" },
    deps: { alwaysBundle: [/./], onlyBundle: false },
    outputOptions: { codeSplitting: false },
    minify: true,
    dts: false,
  },
  // What a page loads at first where it is bundled: `npm run client` tells its size.
  {
    ...shared,
    entry: { "core/client": "client.ts" },
    outputOptions: { chunkFileNames: "core/[name]-[hash].js" },
    minify: true,
    dts: false,
  },
]);
