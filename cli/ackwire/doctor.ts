import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { callOperation } from "./call-operation.ts";
import type { Command } from "./command.ts";
import type { Place } from "./place.ts";
import { tableOf } from "./table.ts";

/** One thing that was looked at. */
export interface Finding {
  check: string;
  outcome: "ok" | "warning" | "failed";
  /** What was found, and what to do unless all is well. */
  found: string;
}

/** AWS refuses signatures whose time differs by more than five minutes, and so do receivers. */
const MAX_CLOCK_DIFFERENCE_MS = 60_000;

const STAGES = "stages";

/** `doctor`: whether everything is there that the other commands and the stage need. */
export const doctorCommand: Command = {
  words: "doctor",
  summary: "Checks credentials, region, clock, keys, connections, and the settings of a stage",
  positionals: [],
  options: {},
  examples: ["doctor", "doctor --stage prod", "doctor --json"],
  async run(values, place) {
    const findings = await examine(place);
    const isWell = findings.every(({ outcome }) => outcome !== "failed");
    if (!isWell) process.exitCode = 1;
    const stage = typeof values.stage === "string" ? values.stage : undefined;
    const all = [
      ...findings,
      ...(stage === undefined || !isWell ? [] : await stageFindings(await place(), stage)),
    ];
    const rows = all as unknown as Record<string, unknown>[];
    return { data: { items: all }, lines: () => tableOf(rows, ["outcome", "check", "found"]) };
  },
};

async function examine(place: () => Promise<Place>): Promise<Finding[]> {
  const findings = [nodeFinding()];
  const there = await place().catch((error: Error) => error);
  if (there instanceof Error) return [...findings, failed("stack", there.message)];
  findings.push(ok("stack", `${there.name} at ${there.apiUrl}`));
  if (there.local === undefined) findings.push(await awsFinding(there));
  const answered = await reach(there);
  findings.push(...answered);
  if (answered.some(({ outcome }) => outcome === "failed")) return findings;
  return [...findings, ...(await keyFindings(there))];
}

function nodeFinding(): Finding {
  return ok("node", `${process.version}, which runs TypeScript`);
}

/** The region and who signs: the stack was found with them. */
async function awsFinding({ target }: Place): Promise<Finding> {
  const { aws } = await target();
  const { CloudFormationClient } = await import("@aws-sdk/client-cloudformation");
  const { config } = new CloudFormationClient(aws);
  const [region, { accessKeyId }] = await Promise.all([config.region(), config.credentials()]);
  return ok("AWS", `region ${region}, access key ${accessKeyId.slice(0, 8)}…`);
}

/** Whether the API answers, and whether its clock and ours agree. */
async function reach({ apiUrl }: Place): Promise<Finding[]> {
  const startedMs = performance.now();
  const response = await fetch(`${apiUrl}/health`, { signal: AbortSignal.timeout(10_000) }).catch(
    (error: Error) => error,
  );
  const tookMs = Math.round(performance.now() - startedMs);
  if (response instanceof Error) {
    const { code } = (response.cause ?? {}) as { code?: string };
    return [failed("API", `${apiUrl} does not answer (${code ?? response.message})`)];
  }
  if (!response.ok) return [failed("API", `${apiUrl}/health answers ${response.status}`)];
  return [
    ok("API", `answers in ${tookMs} ms`),
    clockFinding(response.headers.get("date"), Date.now()),
  ];
}

/** @param date the `Date` header of an answer */
export function clockFinding(date: string | null, nowMs: number): Finding {
  if (date === null) return { check: "clock", outcome: "warning", found: "the API sends no time" };
  const differenceMs = nowMs - Date.parse(date);
  const seconds = Math.round(Math.abs(differenceMs) / 1_000);
  if (Math.abs(differenceMs) <= MAX_CLOCK_DIFFERENCE_MS) {
    return ok("clock", `differs from the API's by ${seconds} s`);
  }
  return failed(
    "clock",
    `${seconds} s ${differenceMs > 0 ? "ahead of" : "behind"} the API's: set it, or signatures are refused`,
  );
}

async function keyFindings(place: Place): Promise<Finding[]> {
  try {
    const me = (await callOperation(place, "getMe")) as { name: string; scope?: string };
    const connections = await callOperation(place, "listConnections", { limit: 100 });
    return [
      ok("operator key", `${me.name}, scope ${me.scope ?? "of a portal link"}`),
      ...(connections as { items: ConnectionFacts[] }).items.map(connectionFinding),
    ];
  } catch (error) {
    return [failed("operator key", (error as Error).message)];
  }
}

interface ConnectionFacts {
  connectionId: string;
  provider: string;
  clientId: string;
  status: string;
  pausedBecause?: string;
  hasCredentials: boolean;
  signature: string;
  hashForms?: string[];
  refused?: { count: number; lastAt: string; reason: string };
}

/** What keeps a connection from sending, or its webhooks from being accepted. */
export function connectionFinding(connection: ConnectionFacts): Finding {
  const { connectionId, provider, clientId, status, hasCredentials, refused, hashForms } =
    connection;
  const check = `connection ${connectionId}`;
  const mend = `ackwire connections set --client ${clientId} --connection ${connectionId}`;
  const wrong = [
    ...(status === "paused" ? [`paused: ${connection.pausedBecause ?? "by a person"}`] : []),
    ...(hasCredentials
      ? []
      : [`no credentials, so nothing can be sent: ${mend} --credentials-file FILE`]),
    ...(connection.signature === "quarantine" ? ["quarantines what it cannot verify"] : []),
    ...(refused
      ? [
          `refused ${refused.count} webhooks, the last at ${refused.lastAt} (${refused.reason}): a wrong secret, or another hash form than ${(hashForms ?? []).join(", ") || "the provider's"}; ${mend} --signature quarantine keeps them`,
        ]
      : []),
  ];
  if (wrong.length > 0)
    return { check, outcome: "warning", found: `${provider}, ${wrong.join("; ")}` };
  const forms = hashForms && hashForms.length > 0 ? `, hash forms ${hashForms.join(", ")}` : "";
  return ok(check, `${provider}, active${forms}`);
}

/** Compares what the functions read with the stage's file, which the next deployment applies. */
async function stageFindings(place: Place, stage: string): Promise<Finding[]> {
  const file = join(STAGES, `${stage}.json`);
  if (!existsSync(file)) {
    return [
      { check: "settings", outcome: "warning", found: `there is no ${file} to compare with` },
    ];
  }
  const given = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  const answer = (await callOperation(place, "getSettings")) as { items: DeployedSetting[] };
  const differences = differencesOf(answer.items, given);
  if (differences.length > 0) {
    return differences.map((found) => ({
      check: "settings",
      outcome: "warning",
      found: `${found} (${file})`,
    }));
  }
  return [ok("settings", `as ${file} says`)];
}

interface DeployedSetting {
  name: string;
  value: number | string;
  isDefault: boolean;
}

/** What a deployment from a stage's file would change of the settings, one sentence each. */
export function differencesOf(
  deployed: readonly DeployedSetting[],
  file: Readonly<Record<string, unknown>>,
): string[] {
  const given: Readonly<Record<string, unknown>> = { ...file, ...(file.settings as object) };
  return deployed.flatMap(({ name, value, isDefault }) => {
    const wanted = given[name];
    if (wanted === undefined) {
      return isDefault
        ? []
        : [`${name} is ${value}; the file has none, so the next deployment sets the default`];
    }
    return String(wanted) === String(value)
      ? []
      : [`${name} is ${value}; the file says ${wanted}: deploy it`];
  });
}

const ok = (check: string, found: string): Finding => ({ check, outcome: "ok", found });
const failed = (check: string, found: string): Finding => ({ check, outcome: "failed", found });
