import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  // The console is served at the root of its own origin.
  base: "/",
  publicDir: fileURLToPath(new URL("public", import.meta.url)),
  build: {
    // The browsers that are two years old at most.
    target: "baseline-widely-available",
    // A small file that is inlined would need `data:` in more places of the content security policy.
    assetsInlineLimit: 0,
    // Inlined by a script otherwise; browsers that know modules know `modulepreload`.
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1_000,
  },
});
