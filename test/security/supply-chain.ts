import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../support/tree.ts";
import { atLeast, atMost, none, type Proof } from "./proof.ts";

/** Licences of packages that run in AWS: none asks for more than its text. */
const allowedAtRuntime = new Set([
  ...["Apache-2.0", "MIT", "MIT-0", "ISC", "0BSD", "BlueOak-1.0.0", "BSD-2-Clause"],
  ...["BSD-3-Clause"],
  // Taken as MIT.
  "(MIT OR GPL-3.0-or-later)",
]);

/** Licences of tools, which are not distributed with anything. */
const allowedForTools = new Set([
  ...allowedAtRuntime,
  ...["MIT OR Apache-2.0", "MIT AND ISC AND BSD-3-Clause", "(MIT OR CC0-1.0)"],
  ...["Python-2.0", "PSF-2.0", "Unlicense", "MPL-2.0"],
]);

/** Direct runtime dependencies, and all packages with them: a further one is a decision. */
const MOST_DIRECT = 20;
const MOST_PACKAGES = 60;

interface LockedPackage {
  version?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
  /** Comes within the package that contains it. */
  inBundle?: boolean;
  link?: boolean;
  license?: string;
  resolved?: string;
  integrity?: string;
  hasInstallScript?: boolean;
}

/** A list of components in CycloneDX's format, as far as it is read here. */
interface Bom {
  bomFormat: string;
  components: { "bom-ref": string; purl?: string; hashes?: unknown[] }[];
  dependencies: { ref: string; dependsOn?: string[] }[];
}

const read = <Json>(path: string) => JSON.parse(readFileSync(join(root, path), "utf8")) as Json;

type Lockfile = Record<string, LockedPackage>;

const lockfile = () => read<{ packages: Lockfile }>("package-lock.json").packages;

/** The packages that the root's `dependencies` need, by their path in the lockfile. */
function runtimePackages(packages: Lockfile): [string, LockedPackage][] {
  const found = new Map<string, LockedPackage>();
  const visit = (from: string, name: string) => {
    const path = resolved(packages, from, name);
    const of = path === undefined ? undefined : packages[path];
    if (path === undefined || of === undefined || found.has(path)) return;
    found.set(path, of);
    for (const other of neededBy(of)) visit(path, other);
  };
  for (const name of Object.keys(packages[""]?.dependencies ?? {})) visit("", name);
  return [...found];
}

function neededBy(of: LockedPackage): string[] {
  const peers = Object.keys(of.peerDependencies ?? {}).filter(
    (name) => of.peerDependenciesMeta?.[name]?.optional !== true,
  );
  return [...Object.keys({ ...of.dependencies, ...of.optionalDependencies }), ...peers];
}

/** Where Node finds a package: in the folder of the one that needs it, or in one above. */
function resolved(packages: Lockfile, from: string, name: string): string | undefined {
  const parts = from === "" ? [] : from.split("/node_modules/");
  const folders = parts.map((_, at) => parts.slice(0, at + 1).join("/node_modules/"));
  return [...folders.toReversed().map((folder) => `${folder}/node_modules/`), "node_modules/"]
    .map((folder) => `${folder}${name}`)
    .find((path) => packages[path] !== undefined);
}

/**
 * S6 without the network: the dependencies of the lockfile, their licences and install scripts, and
 * a CycloneDX list of the packages that run in AWS, which is written into `test-results`.
 *
 * @param packages of a lockfile, by path; default: those of this repository
 */
export async function proveSupplyChain(packages = lockfile()): Promise<Proof> {
  const all = Object.entries(packages).filter(
    ([path, { link }]) => path.includes("node_modules/") && link !== true,
  );
  const runtime = runtimePackages(packages);
  const names = (of: typeof all) => of.map(([path]) => path.replace(/^.*node_modules\//, ""));
  const notAllowed = (of: typeof all, allowed: ReadonlySet<string>) =>
    of
      .filter(([, { license }]) => !allowed.has(license ?? "none"))
      .map(([path, { license }]) => `${path}: ${license ?? "no licence"}`);
  const { dependencies, allowScripts } = read<{
    dependencies: Record<string, string>;
    allowScripts: Record<string, boolean>;
  }>("package.json");
  const ranges = Object.entries(dependencies).filter(([, version]) => !/^\d/.test(version));
  const client = read<{ dependencies?: object }>("client/package.json");
  const ids = runtime.map(([path, { version }]) => `${names([[path, {}]])[0]}@${version}`);
  const bom = await writeBom(new Set(ids));
  const listed = new Set(bom.components.map((one) => one["bom-ref"]));
  const unlisted = ids.filter((id) => !listed.has(id));
  return {
    id: "S6",
    title: "Supply chain",
    figures: [
      atMost("direct runtime dependencies", Object.keys(dependencies).length, MOST_DIRECT),
      atMost("packages that run in AWS", runtime.length, MOST_PACKAGES),
      atMost(
        "dependencies of the package @ackwire/client",
        Object.keys(client.dependencies ?? {}).length,
        0,
      ),
      none(
        "runtime dependencies whose version is a range",
        ranges.map(([name]) => name),
      ),
      none(
        "runtime packages with an install script",
        names(runtime.filter(([, { hasInstallScript }]) => hasInstallScript)),
      ),
      none(
        "install scripts of tools that package.json does not decide on",
        names(all.filter(([, { hasInstallScript }]) => hasInstallScript)).filter(
          (name) => allowScripts[name] === undefined,
        ),
      ),
      none(
        "packages without a digest in the lockfile",
        names(
          all.filter(([, { integrity, inBundle }]) => integrity === undefined && inBundle !== true),
        ),
      ),
      none("runtime packages whose licence is not allowed", notAllowed(runtime, allowedAtRuntime)),
      none("tools whose licence is not allowed", notAllowed(all, allowedForTools)),
      atLeast("components in the CycloneDX list", bom.components.length, runtime.length),
      none("runtime packages that the CycloneDX list lacks", unlisted),
      none(
        "components without a digest",
        bom.components.filter(({ hashes }) => !hashes?.length).map(({ purl = "?" }) => purl),
      ),
    ],
  };
}

/** The whole of S6: with `npm audit` of what runs in AWS, if the registry answers it. */
export async function proveSupplyChainOnline(): Promise<Proof> {
  const [proof, audit] = await Promise.all([proveSupplyChain(), auditRuntime()]);
  return typeof audit === "string"
    ? { ...proof, skipped: [`npm audit: ${audit}`] }
    : { ...proof, figures: [...proof.figures, none("findings of npm audit", audit)] };
}

/** The packages with a known vulnerability, or why that is not known. */
async function auditRuntime(): Promise<string[] | string> {
  const { stdout } = await npm(["audit", "--omit=dev", "--json"]);
  const answer = parsed(stdout) as
    | { vulnerabilities?: Record<string, { severity: string }>; message?: string }
    | undefined;
  if (answer?.vulnerabilities === undefined) {
    const reason = answer?.message ?? "npm gave no answer";
    return `the registry does not answer it (${reason.replace(/ - .*$/s, "")})`;
  }
  return Object.entries(answer.vulnerabilities).map(
    ([name, { severity }]) => `${name}: ${severity}`,
  );
}

/**
 * Writes the list of npm with the components of these ids, each `name@version`. npm's own
 * `--omit dev` leaves out most of what a direct dependency needs.
 */
async function writeBom(ids: ReadonlySet<string>): Promise<Bom> {
  const args = ["--sbom-format", "cyclonedx", "--package-lock-only", "--offline"];
  const { stdout, stderr } = await npm(["sbom", ...args]);
  const whole = parsed(stdout) as Bom | undefined;
  if (whole?.bomFormat !== "CycloneDX") throw new Error(`npm sbom failed: ${stderr}`);
  const bom: Bom = {
    ...whole,
    components: whole.components.filter((one) => ids.has(one["bom-ref"])),
    dependencies: whole.dependencies
      .filter(({ ref }) => ids.has(ref))
      .map(({ ref, dependsOn = [] }) => ({
        ref,
        dependsOn: dependsOn.filter((id) => ids.has(id)),
      })),
  };
  mkdirSync(join(root, "test-results"), { recursive: true });
  writeFileSync(join(root, "test-results/sbom.cdx.json"), `${JSON.stringify(bom, null, 2)}\n`);
  return bom;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function npm(args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const child = spawn("npm", args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  await once(child, "close");
  return { stdout, stderr };
}
