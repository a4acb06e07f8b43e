import { parseArgs } from "node:util";
import { type FunctionName, functionEnv } from "../../shared/contracts/env.ts";

export interface LocalOptions {
  port: number;
  awsPort: number;
  consolePort: number;
  providerPort: number;
  /** Absent: nothing is stored. */
  dataDir?: string;
  speed: number;
  settings: Record<string, string>;
  /** Real milliseconds by which the tables' global indexes are behind. Absent: not at all. */
  indexLagMs?: number;
  /** Inspector port of each function that is debugged; 0 takes a free one. Absent: none is debugged. */
  inspect?: ReadonlyMap<FunctionName, number>;
  /** Origins of the pages that may embed the console. Absent: no page may. */
  consoleFrameAncestors?: readonly string[];
  /** Where the functions send spans, as OTLP over HTTP. Absent: nowhere. */
  otlpUrl?: string;
  demo: boolean;
}

export const usage = `npm start -- [options]

  --port N              the API, the address that providers call   (8787)
  --aws-port N          SQS, DynamoDB, S3, EventBridge …            (4566)
  --console-port N      the console                                (8788)
  --provider-port N     the provider simulator                     (8790)
  --data-dir DIR        keep everything in DIR, kill -9 included  (nothing is kept)
  --speed N             business time passes N times as fast       (1)
  --setting NAME=VALUE  any setting of the stack; may be repeated
  --index-lag MS        global indexes are MS behind their table  (0)
  --inspect NAME[=PORT] debug this function; may be repeated       (9229, 9230 …)
  --embed-in ORIGIN     this page may embed the console; may be repeated
  --otlp URL            send spans there, such as http://127.0.0.1:4318/v1/traces
  --no-demo             do not play the demonstration
  --help

A port of 0 takes a free one.`;

/** @throws Error that names the option and its allowed values */
export function parseOptions(args: string[]): LocalOptions | "help" {
  const { values } = parseArgs({
    args,
    allowNegative: true,
    options: {
      port: { type: "string", default: "8787" },
      "aws-port": { type: "string", default: "4566" },
      "console-port": { type: "string", default: "8788" },
      "provider-port": { type: "string", default: "8790" },
      "data-dir": { type: "string" },
      speed: { type: "string", default: "1" },
      setting: { type: "string", multiple: true, default: [] },
      "index-lag": { type: "string", default: "0" },
      inspect: { type: "string", multiple: true, default: [] },
      "embed-in": { type: "string", multiple: true, default: [] },
      otlp: { type: "string" },
      demo: { type: "boolean", default: true },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return "help";
  const dataDir = values["data-dir"];
  if (dataDir === "") throw new Error("--data-dir takes a directory");
  const ports = {
    port: portOf("port", values.port),
    awsPort: portOf("aws-port", values["aws-port"]),
    consolePort: portOf("console-port", values["console-port"]),
    providerPort: portOf("provider-port", values["provider-port"]),
  };
  const inspect = inspectorPortsOf(values.inspect, Object.values(ports));
  return {
    ...ports,
    ...(dataDir === undefined ? {} : { dataDir }),
    speed: speedOf(values.speed),
    indexLagMs: indexLagOf(values["index-lag"]),
    settings: Object.fromEntries(values.setting.map(settingOf)),
    ...(inspect.size === 0 ? {} : { inspect }),
    consoleFrameAncestors: values["embed-in"].map(originOf),
    ...(values.otlp === undefined ? {} : { otlpUrl: values.otlp }),
    demo: values.demo,
  };
}

/** Node's default inspector port, for the first function that is given no port. */
const FIRST_INSPECTOR_PORT = 9_229;

function inspectorPortsOf(
  texts: string[],
  runPorts: readonly number[],
): ReadonlyMap<FunctionName, number> {
  const requested = new Map<FunctionName, number | undefined>();
  for (const text of texts) {
    const [name = "", port] = text.split(/=(.*)/s);
    if (!isFunctionName(name)) {
      const names = Object.keys(functionEnv).join(", ");
      throw new Error(`--inspect takes the name of a function (${names}), not "${name}"`);
    }
    if (requested.has(name)) throw new Error(`--inspect names the function ${name} twice`);
    requested.set(name, port === undefined ? undefined : portOf(`inspect ${name}`, port));
  }
  const taken = new Set([...runPorts, ...requested.values()]);
  const nextPort = (): number => {
    let port = FIRST_INSPECTOR_PORT;
    while (taken.has(port)) port++;
    taken.add(port);
    return port;
  };
  return new Map([...requested].map(([name, port]) => [name, port ?? nextPort()]));
}

function isFunctionName(name: string): name is FunctionName {
  return Object.hasOwn(functionEnv, name);
}

function portOf(name: string, text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new Error(`--${name} takes a port from 0 to 65535, not "${text}"`);
}

/** At a higher speed one run of a function would take longer than most delays. */
const MAX_SPEED = 86_400;

function speedOf(text: string): number {
  const speed = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && speed >= 1 && speed <= MAX_SPEED) return speed;
  throw new Error(`--speed takes a number from 1 to ${MAX_SPEED}, not "${text}"`);
}

/** A lag of more than a minute would only look like a standstill. */
const MAX_INDEX_LAG_MS = 60_000;

function indexLagOf(text: string): number {
  const lagMs = Number(text);
  if (/^\d+$/.test(text) && lagMs <= MAX_INDEX_LAG_MS) return lagMs;
  throw new Error(`--index-lag takes milliseconds from 0 to ${MAX_INDEX_LAG_MS}, not "${text}"`);
}

function originOf(text: string): string {
  if (/^https?:\/\/[a-z0-9.-]+(:\d+)?$/.test(text)) return text;
  throw new Error(`--embed-in takes an origin such as http://localhost:3000, not "${text}"`);
}

function settingOf(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new Error(`--setting takes NAME=VALUE, not "${text}"`);
  return [text.slice(0, at), text.slice(at + 1)];
}
