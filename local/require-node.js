/**
 * Ends the process with advice when Node cannot run this repository. It is plain
 * JavaScript with nothing newer than Node 14, so that an old Node can run it:
 * that Node could not even load a TypeScript file.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const NEEDED_MAJOR = 24;

const exists = (path) => existsSync(fileURLToPath(new URL(`../${path}`, import.meta.url)));

function advice() {
  if (!exists("node_modules")) return "Run `npm ci` first: it installs Node 24 too.";
  if (!exists("node_modules/node/bin/node")) {
    return `The Node 24 among the dependencies has no binary, because npm installed them without their
install scripts. Run this once, or use a Node ${NEEDED_MAJOR} of your own:

  npm rebuild --ignore-scripts=false`;
  }
  return `Use an npm script, such as \`npm start\`: npm scripts run on the Node 24 among the dependencies.
Outside of them put \`npx\` in front of \`node\`: npx node local/main.js`;
}

const major = Number(process.versions.node.split(".")[0]);
if (major < NEEDED_MAJOR || !process.features.typescript) {
  const found = major < NEEDED_MAJOR ? process.version : `${process.version} without TypeScript`;
  console.error(`Ackwire needs Node ${NEEDED_MAJOR} or newer; this is ${found}.\n\n${advice()}`);
  process.exit(1);
}
