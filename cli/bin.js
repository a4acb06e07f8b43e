#!/usr/bin/env node
// JavaScript, so that a Node that cannot load TypeScript says what to do instead of failing here.
import "../local/require-node.js";

// Not a static import: it would be loaded before the check.
await import("./ackwire.ts");
