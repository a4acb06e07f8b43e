/**
 * Builds the documentation site from the Markdown of the repository into `site/.vitepress/dist`, and
 * fails when a link leads to no page. The generator has dependencies of its own, which are installed
 * when it is first used.
 *
 *     npm run build:site
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { contents } from "../docs/contents.ts";

const folder = import.meta.dirname;
const root = join(folder, "..");
const pages = join(folder, ".pages");
const vitepress = join(folder, "node_modules/vitepress/bin/vitepress.js");

/** @throws Error if the command fails */
function run(program: string, args: readonly string[]): void {
  const { status } = spawnSync(program, args, { cwd: folder, stdio: "inherit" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} failed`);
}

function copy(from: string, to: string): void {
  cpSync(join(root, from), join(pages, to), { recursive: true });
}

if (!existsSync(vitepress)) run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
rmSync(pages, { recursive: true, force: true });
for (const { path } of contents().flatMap((group) => group.pages)) copy(path, path);
copy("docs/images", "docs/images");
// As they are, beside the pages that link to them.
copy("llms.txt", "public/llms.txt");
for (const name of readdirSync(join(root, "docs/contracts")).filter((one) => one.endsWith(".json")))
  copy(`docs/contracts/${name}`, `public/docs/contracts/${name}`);
run(process.execPath, [vitepress, "build"]);
