import { parseArgs } from "node:util";

export interface LocalOptions {
  port: number;
  awsPort: number;
  consolePort: number;
  providerPort: number;
  /** Absent: nothing is kept. */
  dataDir?: string;
  speed: number;
  settings: Record<string, string>;
  demo: boolean;
}

export const usage = `npm start -- [options]

  --port N              the API, the address that providers call   (8787)
  --aws-port N          SQS, DynamoDB, S3, EventBridge …            (4566)
  --console-port N      the status page                            (8788)
  --provider-port N     the provider simulator                     (8790)
  --data-dir DIR        keep everything in DIR, over kill -9 too   (nothing is kept)
  --speed N             business time passes N times as fast       (1)
  --setting NAME=VALUE  any setting of the stack; may be repeated
  --no-demo             do not play the demonstration
  --help

A port of 0 takes a free one.`;

/** @throws Error that names the option and says what it takes */
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
      demo: { type: "boolean", default: true },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return "help";
  const dataDir = values["data-dir"];
  if (dataDir === "") throw new Error("--data-dir takes a directory");
  return {
    port: portOf("port", values.port),
    awsPort: portOf("aws-port", values["aws-port"]),
    consolePort: portOf("console-port", values["console-port"]),
    providerPort: portOf("provider-port", values["provider-port"]),
    ...(dataDir === undefined ? {} : { dataDir }),
    speed: speedOf(values.speed),
    settings: Object.fromEntries(values.setting.map(settingOf)),
    demo: values.demo,
  };
}

function portOf(name: string, text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new Error(`--${name} takes a port from 0 to 65535, not "${text}"`);
}

/** Faster than a day in a second, a function's run would be longer than most due times. */
const MAX_SPEED = 86_400;

function speedOf(text: string): number {
  const speed = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && speed >= 1 && speed <= MAX_SPEED) return speed;
  throw new Error(`--speed takes a number from 1 to ${MAX_SPEED}, not "${text}"`);
}

function settingOf(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new Error(`--setting takes NAME=VALUE, not "${text}"`);
  return [text.slice(0, at), text.slice(at + 1)];
}
