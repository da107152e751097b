import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const folder = fileURLToPath(new URL(".", import.meta.url));

// `npm run console` says where the result goes.
export default defineConfig({
  root: folder,
  base: "/console/",
  oxc: { jsx: { importSource: "preact" } },
  build: {
    target: ["chrome123", "firefox128", "safari17.5"],
    // The content security policy takes no data: scripts, styles or fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    emptyOutDir: true,
  },
});
