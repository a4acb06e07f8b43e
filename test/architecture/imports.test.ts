import { globSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, normalize } from "node:path";
import { parseSync } from "oxc-parser";
import { describe, expect, test } from "vitest";

const root = new URL("../..", import.meta.url).pathname;
const folders = [
  "infra",
  "functions",
  "shared",
  "local",
  "cli",
  "client",
  "cdk",
  "testing",
  "acceptance",
  "console",
];
const files = globSync(`{${folders.join(",")}}/**/*.{ts,tsx}`, { cwd: root }).filter(
  (file) => !/^\w+\/dist\//.test(file),
);

interface Edge {
  from: string;
  /** A path in this repository or the name of a package. */
  to: string;
}

const edges = files.flatMap(edgesOf);

/** The imports that each folder may make. The first rule whose `from` matches applies. */
const rules: { from: RegExp; may: RegExp[]; because: string }[] = [
  {
    from: /^shared\/contracts\/providers\.ts$/,
    may: [/^shared\/providers\/packs\.ts$/, /^zod\/mini$/],
    because:
      "the only import of the packs: all other code gets a provider's pack from this contract",
  },
  {
    from: /^shared\/contracts\//,
    may: [/^shared\/contracts\//, /^zod\/(mini|locales)$/],
    because: "contracts contain zod schemas and types only",
  },
  {
    from: /^shared\/providers\/[^/]+\//,
    may: [
      /^shared\/(contracts|providers)\//,
      /^shared\/core\/(crypto|events|input|json|pace|providers)\//,
      /^zod\/mini$/,
      /^node:crypto$/,
    ],
    because:
      "a pack contains data and pure functions, and calls use cases only through `DialectServices`",
  },
  {
    from: /^shared\/providers\//,
    may: [/^shared\/(contracts|core|providers)\//],
    because: "the list of packs and the values derived from it",
  },
  {
    from: /^shared\/core\//,
    may: [
      /^shared\/(contracts|core)\//,
      /^zod\/(mini|locales)$/,
      /^temporal-polyfill$/,
      /^node:(buffer|crypto|net|zlib)$/,
    ],
    because:
      "decisions are pure: no AWS, no middy, no clock; temporal-polyfill only for time zones, node:net only for address arithmetic, node:zlib only for its synchronous functions",
  },
  {
    from: /^shared\/adapters\//,
    may: [
      /^shared\/(contracts|core|adapters)\//,
      /^@aws-sdk\//,
      /^@opentelemetry\//,
      /^@smithy\/signature-v4$/,
      /^zod\/(mini|locales)$/,
      /^node:(crypto|dns\/promises|https?|net|timers\/promises|tls|zlib)$/,
    ],
    because: "an adapter implements a port of the core with one technology",
  },
  {
    from: /^shared\/composition\//,
    may: [/^shared\//, /^@aws-sdk\//, /^node:crypto$/],
    because: "composition connects use cases with adapters, once for handlers, tests and CLI",
  },
  {
    from: /^shared\/runtime\//,
    may: [
      /^shared\/(contracts|core|runtime)\//,
      /^@middy\//,
      /^@aws-lambda-powertools\//,
      /^zod\/(mini|locales)$/,
      /^aws-lambda$/,
    ],
    because: "the runtime contains what every function needs around the core",
  },
  {
    from: /^functions\//,
    may: [/^shared\//, /^@aws-sdk\//, /^node:crypto$/, /^aws-lambda$/],
    because: "a function composes modules of shared and never loads CDK",
  },
  {
    from: /^infra\/deployment\//,
    may: [
      /^infra\//,
      /^@aws-cdk\/cloudformation-diff$/,
      /^@aws-sdk\/client-cloudformation$/,
      /^node:/,
    ],
    because: "the deploy command compares templates, and is no part of the CDK app",
  },
  {
    from: /^infra\//,
    may: [
      /^infra\//,
      /^shared\/contracts\//,
      /^aws-cdk-lib/,
      /^constructs$/,
      /^cdk-nag$/,
      /^esbuild$/,
      /^@jridgewell\/sourcemap-codec$/,
      /^zod\/(mini|locales)$/,
      /^node:/,
    ],
    because: "infra refers to functions by path and imports only the contracts of shared",
  },
  {
    from: /^cdk\//,
    may: [/^(cdk|infra)\//, /^shared\/contracts\//, /^aws-cdk-lib/, /^esbuild$/, /^node:/],
    because: "the CDK package is the construct of infra, built",
  },
  {
    from: /^client\//,
    may: [/^client\//],
    because:
      "the client package is published separately, has no dependencies, and runs where Node's modules are not",
  },
  {
    from: /^testing\//,
    may: [
      /^(testing|local|client)\//,
      /^shared\/contracts\//,
      // What builds the package.
      /^infra\/(ackwire-stack|ackwire-settings|config)\.ts$/,
      /^cdk\/(declarations|notices)\.ts$/,
      /^aws-cdk-lib$/,
      /^esbuild$/,
      /^@smithy\/node-http-handler$/,
      /^node:/,
    ],
    because:
      "the testing package is the local run, built with the stack, and calls it as a client does",
  },
  {
    from: /^acceptance\//,
    may: [/^acceptance\//, /^@aws-sdk\/client-/, /^standardwebhooks$/, /^node:/],
    because: "the acceptance suite tests a deployment from outside, and knows none of its code",
  },
  {
    from: /^console\/(build|vite\.config)\.ts$/,
    may: [/^node:/, /^vite$/],
    because: "the build of the console runs on Node",
  },
  {
    from: /^console\/test\//,
    may: [
      /^(console|test|local|shared)\//,
      /^@aws-sdk\//,
      /^(playwright-core|axe-core|vitest)(\/|$)/,
      /^node:/,
    ],
    because: "the tests of the console drive a local run in a browser",
  },
  {
    from: /^console\/src\//,
    may: [
      /^console\/src\//,
      /^shared\/contracts\//,
      /^zod\/mini$/,
      /^(react|react-dom|react-router)(\/|$)/,
      /^@(mantine|tanstack)\//,
    ],
    because: "the console knows the product only by its contracts",
  },
  {
    from: /^cli\/ackwire\/command(-line)?\.ts$/,
    may: [/^cli\/ackwire\//, /^yargs$/],
    because: "the library of the command line is known to two files",
  },
  {
    from: /^cli\/ackwire\/mcp(-server)?\.ts$/,
    may: [/^(cli|shared)\//, /^@modelcontextprotocol\/sdk\//, /^node:/],
    because: "the protocol's SDK is known to the server that speaks it",
  },
  {
    from: /^(local|cli)\//,
    may: [
      /^(local|cli|shared)\//,
      /^@aws-sdk\//,
      /^zod\/(mini|locales)$/,
      /^node:/,
      /^(dynalite|fauxqs|aws-cron-parser|standardwebhooks)/,
    ],
    because: "the local run and the CLI never load CDK: they read the template",
  },
];

test("The import graph covers every top-level folder of source files", () => {
  for (const folder of folders) expect(files.some((file) => file.startsWith(folder))).toBe(true);
  expect(edges.length).toBeGreaterThan(100);
});

test("Every import is allowed by the rule of its folder", () => {
  const offending = edges.filter(({ from, to }) => {
    const rule = rules.find((one) => one.from.test(from));
    return !(rule?.may.some((allowed) => allowed.test(to)) || isOfTheSameFunction(from, to));
  });
  expect(offending.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
});

test("The console imports types of the contracts only: none of their code reaches a browser", () => {
  const pages = files.filter((file) => file.startsWith("console/src/"));
  expect(pages.length).toBeGreaterThan(20);
  const code = /^import (?!type\b)[^;]*from "(?:(?:\.\.\/)+shared\/|zod)[^"]*"/m;
  expect(pages.filter((file) => code.test(textOf(file)))).toEqual([]);
});

test("No file imports itself through others, type imports included", () => {
  expect(importCycles()).toEqual([]);
});

/** The folders of the core, lowest first: a file may import from its own folder and from those before it. */
const coreOrder = [
  "",
  "json",
  "crypto",
  "tracing",
  "input",
  "events",
  "pace",
  "providers",
  "connections",
  "audit",
  "requests/state",
  "requests/dependencies",
  "requests/lanes",
  "requests/acceptance",
  "requests/recurring",
  "requests/submission",
  "requests/results",
  "requests",
  "inbound",
  "deliveries/state",
  "deliveries/signing",
  "deliveries/creation",
  "deliveries/webhooks",
  "deliveries/attempts",
  "deliveries",
  "administration",
  "api/authentication",
  "api/handlers",
  "api/dialects",
  "api",
  "operator",
];

test("No file of the core imports from a folder above its own", () => {
  const folderOf = (file: string) => dirname(file).replace(/^shared\/core\/?/, "");
  const inCore = edges.filter(
    ({ from, to }) => from.startsWith("shared/core/") && to.startsWith("shared/core/"),
  );
  expect(inCore.length).toBeGreaterThan(100);
  expect([...new Set(inCore.flatMap(({ from, to }) => [folderOf(from), folderOf(to)]))].sort())
    // The list must name every folder of the core and no others.
    .toEqual([...coreOrder].sort());
  const upwards = inCore.filter(
    ({ from, to }) => coreOrder.indexOf(folderOf(to)) > coreOrder.indexOf(folderOf(from)),
  );
  expect(upwards.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
});

/** Returns the strongly connected components (Tarjan) of the import graph that have several files. */
function importCycles(): string[][] {
  const targets = Map.groupBy(edges, ({ from }) => from);
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const cycles: string[][] = [];
  const visit = (file: string): number => {
    const mine = order.size;
    order.set(file, mine);
    low.set(file, mine);
    stack.push(file);
    for (const { to } of targets.get(file) ?? []) {
      if (!targets.has(to)) continue;
      const reached = order.has(to) ? (stack.includes(to) ? order.get(to) : undefined) : visit(to);
      low.set(file, Math.min(low.get(file) ?? mine, reached ?? mine));
    }
    if (low.get(file) === mine) {
      const component = stack.splice(stack.indexOf(file));
      if (component.length > 1) cycles.push(component.sort());
    }
    return low.get(file) ?? mine;
  };
  for (const file of targets.keys()) if (!order.has(file)) visit(file);
  return cycles;
}

function isOfTheSameFunction(from: string, to: string): boolean {
  const folder = from.match(/^functions\/[^/]+\//)?.[0];
  return folder !== undefined && to.startsWith(folder);
}

test.each([
  ["shared/core/x.ts", "@aws-sdk/client-sqs", false],
  ["shared/core/x.ts", "shared/adapters/y.ts", false],
  ["functions/ingest/x.ts", "aws-cdk-lib", false],
  ["infra/x.ts", "shared/core/y.ts", false],
  ["acceptance/x.ts", "shared/contracts/y.ts", false],
  ["acceptance/x.ts", "local/run/y.ts", false],
  ["functions/ingest/x.ts", "shared/core/y.ts", true],
])("The import rules check that %s may import %s: %s", (from, to, allowed) => {
  const rule = rules.find((one) => one.from.test(from));
  expect(rule?.may.some((one) => one.test(to))).toBe(allowed);
});

describe("Purity of the core", () => {
  const pure = files.filter((file) => /^shared\/(core|providers|contracts)\//.test(file));
  const clocks =
    /\bDate\.now\b|\bnew Date\(\)|(?<!new )\bDate\(|\bperformance\b|\bhrtime\b|\bprocess\.uptime\b/;
  const timers = /\bset(Timeout|Interval|Immediate)\b|\bAbortSignal\.timeout\b|\bnextTick\b/;
  const chance =
    /\bMath\.random\b|\brandom(UUID|Bytes|Int|Fill\w*)\b|\bgetRandomValues\b|\bgenerateKey\w*\b/;
  const network = /\bfetch\(/;
  const isImpure = (text: string) =>
    [clocks, timers, chance, network].some((rule) => rule.test(text));

  test("The core reads no clock, starts no timer, draws no random number and makes no request", () => {
    expect(pure.length).toBeGreaterThan(10);
    expect(pure.filter((file) => isImpure(textOf(file)))).toEqual([]);
  });

  test.each([
    "const nowMs = Date.now();",
    "const now = new Date();",
    "const now = Date();",
    "performance.now()",
    "performance.timeOrigin",
    "process.hrtime.bigint()",
    "process.uptime()",
    "setTimeout(retry, 10)",
    "setInterval(sweep, 10)",
    "setImmediate(next)",
    "process.nextTick(next)",
    "AbortSignal.timeout(3_000)",
    "Math.random()",
    "randomUUID()",
    "randomBytes(12)",
    "randomInt(6)",
    "randomFillSync(buffer)",
    "crypto.getRandomValues(buffer)",
    'generateKeySync("hmac", { length: 256 })',
    'fetch("https://example.com")',
  ])("The purity rule rejects %s", (text) => {
    expect(isImpure(text)).toBe(true);
  });

  test.each([
    "new Date(ms).toISOString()",
    "Date.parse(text)",
    "signal: AbortSignal",
    "randomHex(12)",
    "random: () => number",
    "timeoutMs",
  ])("The purity rule accepts %s", (text) => {
    expect(isImpure(text)).toBe(false);
  });

  test("Only handlers read the environment", () => {
    const readers = files.filter(
      (file) => /^(shared|functions)\//.test(file) && /\bprocess\.env\b/.test(textOf(file)),
    );
    expect(readers.length).toBeGreaterThan(0);
    expect(readers.filter((file) => !file.endsWith("/handler.ts"))).toEqual([]);
  });
});

describe("Providers", () => {
  const name = /we-?link|linked-?api/i;
  /** The packs and the simulator, which imitates two providers. */
  const mayName = /^(shared\/providers|local\/simulator)\//;
  const product = files.filter((file) => /^(shared|functions|infra|cli|local)\//.test(file));

  test("A provider's name is only in its folder, in its simulator and in the documents", () => {
    const naming = product.filter((file) => name.test(file) || name.test(textOf(file)));
    expect(naming.length).toBeGreaterThan(20);
    expect(naming.filter((file) => !mayName.test(file))).toEqual([]);
  });

  test("No pack imports another pack", () => {
    const packOf = (file: string) => /^shared\/providers\/([^/]+)\//.exec(file)?.[1];
    const inPacks = edges.filter(({ from, to }) => packOf(from) && packOf(to));
    expect(inPacks.length).toBeGreaterThan(20);
    expect(inPacks.filter(({ from, to }) => packOf(from) !== packOf(to))).toEqual([]);
  });
});

test("No source file has more than 300 lines", () => {
  const written = files.filter((file) => !textOf(file).startsWith("// Generated "));
  const long = written.filter((file) => textOf(file).split("\n").length > 300);
  expect(files.length).toBeGreaterThan(50);
  expect(long).toEqual([]);
});

test("A handler file exports only the wrapped handler", () => {
  const handlers = files.filter((file) => /^functions\/[^/]+\/handler\.ts$/.test(file));
  expect(handlers.length).toBeGreaterThan(2);
  for (const file of handlers) {
    const exported = textOf(file).match(/^export .*/gm) ?? [];
    expect(exported, file).toEqual([expect.stringMatching(/^export const handler = make/)]);
  }
});

function textOf(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

function edgesOf(file: string): Edge[] {
  const { module, errors } = parseSync(file, textOf(file));
  expect(errors, file).toEqual([]);
  const edge = (specifier: string): Edge => ({ from: file, to: resolveImport(file, specifier) });
  return [
    ...module.staticImports.map(({ moduleRequest }) => edge(moduleRequest.value)),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => (moduleRequest ? [edge(moduleRequest.value)] : [])),
    ),
    // Dynamic imports with a computed path (a bundle, a file of a package) are not checked.
    ...[...textOf(file).matchAll(/\bimport\("([^"]+)"\)/g)].map(([, to = ""]) => edge(to)),
  ];
}

function resolveImport(file: string, specifier: string): string {
  if (specifier.startsWith(".")) return normalize(join(dirname(file), specifier));
  return builtinModules.includes(specifier) ? `node:${specifier}` : specifier;
}
