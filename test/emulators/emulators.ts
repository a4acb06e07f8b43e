import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { freePort } from "../../local/loopback.ts";
import { runCommand, startServer } from "../support/processes.ts";
import { installPythonTool, programsOf } from "../support/python-tool.ts";

type Service = "dynamodb" | "sqs";

/** An emulator of others that is up. */
interface Running {
  endpoint: string;
  end(): Promise<void>;
}

export interface Emulator {
  /** What it emulates of what our contract suites need. */
  services: readonly Service[];
  /** @returns it, or why it cannot be had on this machine */
  start(): Promise<Running | string>;
}

const here = import.meta.dirname;

/** Ignored by Git, and kept between runs. */
const JARS = resolve(here, "../../node_modules/.cache/ackwire-elasticmq");
const MAVEN_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:2.8";

export const emulators: Record<string, Emulator> = {
  "dynamodb-local": {
    services: ["dynamodb"],
    async start() {
      const endpoint = process.env.ACKWIRE_DYNAMODB_LOCAL;
      if (endpoint === undefined) {
        return "AWS licenses DynamoDB Local to its customers, under terms of its own, and nothing here downloads it. Where you have accepted them, start it and name its URL in ACKWIRE_DYNAMODB_LOCAL";
      }
      return { endpoint, end: async () => undefined };
    },
  },
  elasticmq: {
    services: ["sqs"],
    async start() {
      const missing = await installElasticmq();
      if (missing !== undefined) return missing;
      const port = await freePort();
      const settings = {
        "node-address.host": "127.0.0.1",
        "node-address.port": port,
        "rest-sqs.bind-hostname": "127.0.0.1",
        "rest-sqs.bind-port": port,
        "rest-sqs.sqs-limits": "strict",
        "rest-stats.enabled": false,
        "aws.region": "us-east-1",
        "aws.accountId": "000000000000",
      };
      const options = Object.entries(settings).map(([name, value]) => `-D${name}=${value}`);
      return started(port, [
        ...["java", "-Xmx512m", ...options],
        ...["-cp", join(JARS, "*"), "org.elasticmq.server.Main"],
      ]);
    },
  },
  moto: {
    services: ["dynamodb", "sqs"],
    async start() {
      const missing = await installPythonTool("moto", join(here, "moto/requirements.txt"));
      if (missing !== undefined) return missing;
      const port = await freePort();
      return started(port, [
        ...[join(programsOf("moto"), "moto_server"), "-H", "127.0.0.1", "-p", String(port)],
      ]);
    },
  },
};

async function started(port: number, program: readonly string[]): Promise<Running> {
  const env = { ...process.env, MOTO_ACCOUNT_ID: "000000000000" };
  const server = await startServer(program, { cwd: tmpdir(), port, env });
  return { endpoint: `http://127.0.0.1:${port}`, end: () => server.end("SIGKILL") };
}

/**
 * Fetches ElasticMQ and what it needs from Maven Central, unless it is there already.
 *
 * @returns why it cannot be fetched here; undefined where it is
 * @throws Error if a file is not the one whose checksum is in `elasticmq/jars.sha256`
 */
async function installElasticmq(): Promise<string | undefined> {
  for (const program of ["java", "mvn"]) {
    const { exitCode } = await runCommand(program, ["-version"]);
    if (exitCode !== 0) return `there is no ${program} on this machine`;
  }
  if (!existsSync(JARS)) {
    const { exitCode, output } = await runCommand("mvn", [
      ...["-q", "-B", "-f", join(here, "elasticmq/pom.xml")],
      `${MAVEN_PLUGIN}:copy-dependencies`,
      `-DoutputDirectory=${JARS}`,
    ]);
    if (exitCode !== 0) {
      rmSync(JARS, { recursive: true, force: true });
      return `Maven cannot fetch ElasticMQ: ${output.trim().split("\n")[0] ?? ""}`;
    }
  }
  const found = globSync(join(JARS, "*.jar"))
    .map((file) => {
      const digest = createHash("sha256").update(readFileSync(file)).digest("hex");
      return `${digest}  ${basename(file)}`;
    })
    .sort();
  const wanted = readFileSync(join(here, "elasticmq/jars.sha256"), "utf8").trim().split("\n");
  if (found.join("\n") !== wanted.sort().join("\n")) {
    rmSync(JARS, { recursive: true, force: true });
    const strange = found.filter((line) => !wanted.includes(line));
    throw new Error(`Files of ElasticMQ have other checksums than in jars.sha256: ${strange}`);
  }
  return undefined;
}
